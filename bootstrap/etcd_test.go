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

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/embed"
	"go.uber.org/zap"

	"github.com/slipway/slipway/components"
	"github.com/slipway/slipway/internal/agent"
	"github.com/slipway/slipway/internal/spec"
	"github.com/slipway/slipway/internal/statedir"
	"github.com/slipway/slipway/internal/status"
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

// TestEtcdVerbs goes through the verbs on a real etcd of three members, on the machine of one of them.
func TestEtcdVerbs(t *testing.T) {
	l, ctx := newEtcdLab(t, 16<<20), context.Background()
	if err := l.write(40); err != nil {
		t.Fatal(err)
	}
	events, err := l.api().Grant(ctx, 3600) // as API servers keep Events
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.api().Put(ctx, "/registry/events/x", "x", clientv3.WithLease(events.ID)); err != nil {
		t.Fatal(err)
	}
	s, err := l.on().EtcdStatus(ctx, EtcdLook{Disks: true, Data: true})
	if err != nil {
		t.Fatal(err)
	}
	if s.Health != status.Healthy || s.Voters != 3 || s.Voting != 3 || s.Quorum != 2 || s.Tolerates != 1 || !s.Compared.Agree || s.Compared.Members != 3 || s.Members[0].Fsync == nil || s.Members[1].Quota != 16<<20 {
		t.Errorf("%+v, %+v", s, s.Compared)
	}

	taken, err := l.on().SnapshotEtcd(ctx, Snapshotting{})
	if err != nil {
		t.Fatal(err)
	}
	is, err := os.Stat(taken.Path)
	if err != nil || is.Mode().Perm() != 0o600 || is.Size() != taken.Bytes || !taken.Compared || !taken.Quorum || taken.Revision < 40 {
		t.Errorf("%+v, %v, %v", taken, is, err)
	}
	if _, err := l.on().SnapshotEtcd(ctx, Snapshotting{Path: taken.Path}); err == nil || !strings.Contains(err.Error(), "is there already") {
		t.Errorf("a snapshot replaced another: %v", err)
	}
	if again, err := l.on().SnapshotEtcd(ctx, Snapshotting{Path: taken.Path, Force: true}); err != nil || !again.Compared {
		t.Errorf("%+v, %v", again, err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(taken.Path), ".*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}

	if done, err := l.on().DefragmentEtcd(ctx, Defragmenting{Threshold: 0.3, Least: 100 << 20}); err != nil || len(done) != 3 || done[0].Skipped == "" {
		t.Errorf("not worth it, and done: %+v, %v", done, err)
	}
	if kept := l.before(beforeDefrag); len(kept) > 0 {
		t.Errorf("nothing was rewritten, and kept before is %v", kept)
	}
	l.fills(ctx)
	l.keeps(ctx)
	l.doubts(ctx)
	l.loses(ctx)
}

// fills lets etcd run out of space, and recovers it.
func (l *etcdLab) fills(ctx context.Context) {
	t := l.t
	if err := l.write(1000); !errors.Is(err, rpctypes.ErrNoSpace) {
		t.Fatalf("wrote beyond the quota: %v", err)
	}
	s, err := l.on().EtcdStatus(ctx, EtcdLook{})
	if err != nil || s.Health != status.Degraded || !strings.Contains(fmt.Sprint(s.Problems), "alarm NOSPACE") {
		t.Fatalf("%+v, %v", s, err)
	}
	if alarms, err := l.on().EtcdAlarms(ctx); err != nil || len(alarms) == 0 || alarms[0].Kind != nospace {
		t.Fatalf("%+v, %v", alarms, err)
	}
	done, err := l.on().RecoverSpace(ctx, false)
	if err != nil || len(done) != 3 {
		t.Fatalf("%+v, %v", done, err)
	}
	for _, d := range done {
		if d.Freed < 8<<20 || d.After > 4<<20 {
			t.Errorf("%+v", d)
		}
	}
	if alarms, err := l.on().EtcdAlarms(ctx); err != nil || len(alarms) != 0 {
		t.Errorf("%+v, %v", alarms, err)
	}
	l.keptOne(beforeSpace)
	if kept := l.before(beforeDefrag); len(kept) > 0 {
		t.Errorf("one act took two snapshots: %v", kept)
	}
	if err := l.write(1); err != nil {
		t.Error(err)
	}
	if s, err = l.on().EtcdStatus(ctx, EtcdLook{Data: true}); err != nil || s.Health != status.Healthy || !s.Compared.Agree {
		t.Errorf("%+v, %v", s, err)
	}
}

// loses takes members away, one after the other.
func (l *etcdLab) loses(ctx context.Context) {
	t := l.t
	var healthy *HealthyError
	if _, err := l.on().RemoveEtcdMember(ctx, Removing{Member: "cp-3"}); !errors.As(err, &healthy) {
		t.Errorf("a healthy member was removed: %v", err)
	}
	var unknown *MemberError
	if _, err := l.on().RemoveEtcdMember(ctx, Removing{Member: "cp-9"}); !errors.As(err, &unknown) || !strings.Contains(err.Error(), "cp-1 (") {
		t.Errorf("%v", err)
	}
	l.stop("cp-3")
	l.doubtsOf(ctx, "cp-3")
	var sick *SickError
	if _, err := l.on().DefragmentEtcd(ctx, Defragmenting{All: true}); !errors.As(err, &sick) || sick.Node() != "cp-3" {
		t.Errorf("defragmented without cp-3: %v", err)
	}
	// Those that remain would be two voters of which one is healthy.
	var majority *MajorityError
	if _, err := l.on().RemoveEtcdMember(ctx, Removing{Member: "cp-2", Force: true}); !errors.As(err, &majority) {
		t.Errorf("cp-2 was removed beside a dead one: %v", err)
	}
	r := l.on()
	q, err := r.openEtcd(ctx)
	if err != nil {
		t.Fatal(err)
	}
	r.Here = "" // as if with a file: no API has to be told
	if out, err := r.removeMemberOf(ctx, q, Removing{Member: "cp-3"}); err != nil || out.Snapshot != l.keptOne(beforeRemove) {
		t.Fatalf("%+v, %v", out, err)
	}
	s, err := l.on().EtcdStatus(ctx, EtcdLook{})
	if err != nil || s.Voters != 2 || s.Voting != 2 || s.Tolerates != 0 || !strings.Contains(fmt.Sprint(s.Problems), "no member of etcd") {
		t.Errorf("%+v, %v", s, err)
	}
	l.stop("cp-2")
	if s, err = l.on().EtcdStatus(ctx, EtcdLook{Data: true}); err != nil || s.Health != status.Down || s.Voting != 0 || s.Voters != 2 || s.KnownFrom != "cp-1" {
		t.Errorf("%+v, %v", s, err)
	}
	if text := fmt.Sprint(s.Problems); !strings.Contains(text, "bring back cp-2: ") || strings.Contains(text, "slipway etcd remove") {
		t.Errorf("what to do without quorum: %s", text)
	}
	var lost *QuorumError
	for name, do := range map[string]func() error{
		"remove":  func() error { _, err := l.on().RemoveEtcdMember(ctx, Removing{Member: "cp-2"}); return err },
		"defrag":  func() error { _, err := l.on().DefragmentEtcd(ctx, Defragmenting{All: true}); return err },
		"recover": func() error { _, err := l.on().RecoverSpace(ctx, false); return err },
		"alarms":  func() error { _, err := l.on().EtcdAlarms(ctx); return err },
	} {
		if err := do(); !errors.As(err, &lost) || !strings.Contains(err.Error(), "1 of 2 members answer, and 2 must") {
			t.Errorf("%s: %v", name, err)
		}
	}
	l.keepsNothing(ctx)
	taken, err := l.on().SnapshotEtcd(ctx, Snapshotting{Path: filepath.Join(t.TempDir(), "last.db")})
	if err != nil || taken.Quorum || taken.Member != "cp-1" || !taken.Compared {
		t.Errorf("%+v, %v", taken, err)
	}
}
