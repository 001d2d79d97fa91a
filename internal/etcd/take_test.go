package etcd

import (
	"context"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/embed"
)

// alone is a client of a real member that is a cluster by itself.
func alone(t *testing.T) *Client {
	t.Helper()
	dir := t.TempDir()
	t.Chdir(dir) // etcd takes the host and port of a URL for the name of a socket
	at := func(name string) []url.URL { return []url.URL{{Scheme: "unix", Host: name}} }
	config := embed.NewConfig()
	config.Name, config.Dir = "alone", filepath.Join(dir, "data")
	config.ListenClientUrls, config.AdvertiseClientUrls = at("client:1"), at("client:1")
	config.ListenPeerUrls, config.AdvertisePeerUrls = at("peer:1"), at("peer:1")
	config.InitialCluster = "alone=" + config.AdvertisePeerUrls[0].String()
	config.LogLevel, config.LogOutputs = "panic", []string{"stderr"}
	member, err := embed.StartEtcd(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(member.Close)
	select {
	case <-member.Server.ReadyNotify():
	case <-time.After(time.Minute):
		t.Fatal("etcd is not ready")
	}
	c, err := ConnectSocket(filepath.Join(dir, "client:1"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// otherwise is a member whose own data has another hash than what it gives away.
type otherwise struct{ clientv3.Maintenance }

func (o otherwise) HashKV(ctx context.Context, endpoint string, revision int64) (*clientv3.HashKVResponse, error) {
	h, err := o.Maintenance.HashKV(ctx, endpoint, revision)
	if err == nil {
		h.Hash++
	}
	return h, err
}

// TestTakeCompares: a snapshot that is whole by its sum is taken only where its data is the member's, never compacted and compacted.
func TestTakeCompares(t *testing.T) {
	c := alone(t)
	for i := range 20 {
		if _, err := c.api.Put(t.Context(), fmt.Sprintf("/registry/%d", i%7), strings.Repeat("x", 100)); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(t.TempDir(), "db")
	first, err := c.Take(t.Context(), path)
	if err != nil || first.Revision != 21 || first.Compacted != neverCompacted || first.Hash == 0 {
		t.Fatalf("%+v, %v", first, err)
	}
	if _, err := c.api.Compact(t.Context(), 10, clientv3.WithCompactPhysical()); err != nil {
		t.Fatal(err)
	}
	if taken, err := c.Take(t.Context(), path); err != nil || taken.Compacted != 10 {
		t.Fatalf("%+v, %v", taken, err)
	}
	c.api.Maintenance = otherwise{c.api.Maintenance}
	if taken, err := c.Take(t.Context(), path); err == nil || !strings.Contains(err.Error(), "is not what the member holds") {
		t.Errorf("%+v, %v", taken, err)
	}
}
