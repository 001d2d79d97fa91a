package etcd

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
)

// ConnectSocket prepares a client for a member on this machine that answers on a socket, without certificates.
func ConnectSocket(path string) (*Client, error) {
	endpoint := "unix://" + path
	api, err := clientv3.New(clientv3.Config{Endpoints: []string{endpoint}, Logger: zap.NewNop(), BackoffWaitBetween: 100 * time.Millisecond})
	if err != nil {
		return nil, fmt.Errorf("etcd client of %s: %w", endpoint, err)
	}
	return &Client{api: api, endpoint: endpoint, dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{Timeout: connectWithin}).DialContext(ctx, "unix", path)
	}}, nil
}

// sealedMark is what Kubernetes puts before a value that it has encrypted.
// https://github.com/kubernetes/apiserver/blob/v0.36.3/pkg/server/options/encryptionconfig/config.go
var sealedMark = []byte("k8s:enc:")

// Stored is what lies in etcd, by key below /registry/.
type Stored struct {
	Keys   []string // without /registry/
	Sealed int      // of how many the value is encrypted
}

// Registry lists what Kubernetes keeps at that revision.
func (c *Client) Registry(ctx context.Context, revision int64) (s Stored, err error) {
	end := clientv3.GetPrefixRangeEnd(registry)
	for from := registry; ; {
		got, err := c.api.Get(ctx, from, clientv3.WithRange(end), clientv3.WithLimit(page), clientv3.WithRev(revision))
		if err != nil {
			return s, fmt.Errorf("etcd %s: read: %w", c.endpoint, err)
		}
		for _, kv := range got.Kvs {
			s.Keys = append(s.Keys, string(kv.Key[len(registry):]))
			if bytes.HasPrefix(kv.Value, sealedMark) {
				s.Sealed++
			}
		}
		if !got.More || len(got.Kvs) == 0 {
			return s, nil
		}
		from = string(got.Kvs[len(got.Kvs)-1].Key) + "\x00"
	}
}
