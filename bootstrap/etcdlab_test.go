package bootstrap

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/embed"
	"go.uber.org/zap"

	"github.com/slipway/slipway/components"
	"github.com/slipway/slipway/internal/agent"
	"github.com/slipway/slipway/internal/spec"
	"github.com/slipway/slipway/internal/statedir"
	"github.com/slipway/slipway/pki"
)

// etcdLab is a real etcd of three members on addresses of the loopback interface, each with the certificates of its control plane.
type etcdLab struct {
	t       *testing.T
	cluster *spec.Cluster
	certs   *pki.Set
	running map[string]*embed.Etcd
	quota   int64
}

func newEtcdLab(t *testing.T, quota int64) *etcdLab {
	t.Helper()
	base := newRun(t)
	c := *base.Cluster
	c.Nodes = []spec.Node{declare("cp-1", spec.ControlPlane, "127.61.0.11"), declare("cp-2", spec.ControlPlane, "127.61.0.12"), declare("cp-3", spec.ControlPlane, "127.61.0.13")}
	c.StateDir = filepath.Join(t.TempDir(), "state")
	l := &etcdLab{t: t, cluster: &c, running: map[string]*embed.Etcd{}, quota: quota}
	var err error
	if l.certs, err = pki.Create(&c, time.Now()); err != nil {
		t.Fatal(err)
	}
	dir, err := statedir.Open(c.StateDir)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(dir.Save(l.certs), dir.Close()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for name := range l.running {
			l.stop(name)
		}
	})
	begun := map[string]*embed.Etcd{}
	for _, n := range c.Nodes {
		begun[n.Name] = l.start(n)
	}
	for name, e := range begun {
		select {
		case <-e.Server.ReadyNotify():
		case <-time.After(time.Minute):
			t.Fatalf("%s is not ready", name)
		}
	}
	return l
}

func at(t *testing.T, a netip.Addr, port uint16) []url.URL {
	t.Helper()
	u, err := url.Parse("https://" + netip.AddrPortFrom(a, port).String())
	if err != nil {
		t.Fatal(err)
	}
	return []url.URL{*u}
}

func (l *etcdLab) start(n spec.Node) *embed.Etcd {
	l.t.Helper()
	dir := l.t.TempDir()
	file := func(name string, text []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			l.t.Fatal(err)
		}
		return path
	}
	ca, pairs := file("ca.crt", l.certs.CA(pki.Etcd).Cert), l.certs.Node(n.Name)
	config := embed.NewConfig()
	config.Name, config.Dir = n.Name, filepath.Join(dir, "data")
	config.ListenClientUrls, config.AdvertiseClientUrls = at(l.t, n.Address, 2379), at(l.t, n.Address, 2379)
	config.ListenPeerUrls, config.AdvertisePeerUrls = at(l.t, n.Address, 2380), at(l.t, n.Address, 2380)
	if n.Name == "cp-1" {
		config.ListenMetricsUrls = []url.URL{{Scheme: "http", Host: "127.0.0.1:2381"}}
	}
	config.InitialCluster = (&components.Input{Cluster: l.cluster}).Membership(n).Initial
	config.ClientTLSInfo.ClientCertAuth, config.PeerTLSInfo.ClientCertAuth = true, true
	config.ClientTLSInfo.TrustedCAFile, config.PeerTLSInfo.TrustedCAFile = ca, ca
	config.ClientTLSInfo.CertFile, config.ClientTLSInfo.KeyFile = file("server.crt", pairs[pki.EtcdServer].Cert), file("server.key", pairs[pki.EtcdServer].Key)
	config.PeerTLSInfo.CertFile, config.PeerTLSInfo.KeyFile = file("peer.crt", pairs[pki.EtcdPeer].Cert), file("peer.key", pairs[pki.EtcdPeer].Key)
	config.QuotaBackendBytes, config.LogLevel, config.LogOutputs = l.quota, "panic", []string{"stderr"}
	e, err := embed.StartEtcd(config)
	if err != nil {
		l.t.Fatal(err)
	}
	l.running[n.Name] = e
	return e
}

func (l *etcdLab) stop(name string) {
	l.running[name].Close()
	delete(l.running, name)
}

// on is a run on cp-1 itself: the others are reached by their addresses.
func (l *etcdLab) on() *Run {
	dir, err := statedir.View(l.cluster.StateDir)
	if err != nil {
		l.t.Fatal(err)
	}
	r := &Run{Cluster: l.cluster, Sink: &log{}, dir: dir, binary: agent.Binary{SHA256: strings.Repeat("0", 64)}, Here: "cp-1", Timeout: 20 * time.Second}
	l.t.Cleanup(r.Close)
	return r
}

// api is a plain client of cp-1's member.
func (l *etcdLab) api() *clientv3.Client {
	l.t.Helper()
	pair := l.certs.Node("cp-1")[pki.EtcdHealthcheckClient]
	own, err := tls.X509KeyPair(pair.Cert, pair.Key)
	if err != nil {
		l.t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(l.certs.CA(pki.Etcd).Cert)
	c, err := clientv3.New(clientv3.Config{
		Endpoints: []string{clientURL(l.cluster.Nodes[0].Address)}, Logger: zap.NewNop(),
		TLS: &tls.Config{Certificates: []tls.Certificate{own}, RootCAs: roots, MinVersion: tls.VersionTLS12},
	})
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { _ = c.Close() })
	return c
}

// write puts values of 64 KiB at few keys, again and again: what is superseded stays until it is compacted.
func (l *etcdLab) write(times int) error {
	c, value := l.api(), strings.Repeat("slipway ", 8<<10)
	for i := range times {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		_, err := c.Put(ctx, fmt.Sprintf("/registry/%d", i%4), value)
		cancel()
		if err != nil {
			return err
		}
	}
	return nil
}
