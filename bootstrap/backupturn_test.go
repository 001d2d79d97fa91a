package bootstrap

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/slipway/slipway/internal/archive"
	"github.com/slipway/slipway/internal/backup"
	"github.com/slipway/slipway/internal/etcd"
	"github.com/slipway/slipway/internal/spec"
	"github.com/slipway/slipway/internal/status"
	"github.com/slipway/slipway/internal/store"
	"github.com/slipway/slipway/internal/store/storetest"
	"github.com/slipway/slipway/pki"
)

const someRecipient = "age1t7rxyev2z3rw82stdlrrepyc39nvn86l5078zqkf5uasdy86jp6svpy7pa"

// maker is a control plane of the lab that makes archives in a directory of its own and in the server's bucket.
func (l *etcdLab) maker(n spec.Node, server *storetest.Server) *backup.Maker {
	l.t.Helper()
	pair, dir := l.certs.Node(n.Name)[pki.EtcdHealthcheckClient], l.t.TempDir()
	member, err := etcd.Connect(etcd.Access{Endpoint: clientURL(n.Address), CA: l.certs.CA(pki.Etcd).Cert, Cert: pair.Cert, Key: pair.Key})
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { _ = member.Close() })
	return &backup.Maker{
		Settings: backup.Settings{
			Node: n.Name, Cluster: archive.Cluster{Name: l.cluster.Name, ID: l.certs.ClusterID()}, Schedule: "hourly", Verify: "hourly", Retain: 2,
			Recipients: []string{someRecipient}, Directory: filepath.Join(dir, "archives"), Bucket: &server.Bucket, Spec: string(spec.Write(l.cluster)),
		},
		Member: member, Files: lastingFiles(l.certs), Kubernetes: "1.36.3", Slipway: "test", Credentials: server.Credentials, History: filepath.Join(dir, "state", "last.json"),
		Due: backup.Due, Free: backup.Free,
	}
}

// sinceNow is a schedule that comes round at this moment, and never again.
func sinceNow() func(context.Context, string, time.Time) (bool, error) {
	fired := time.Now()
	return func(_ context.Context, _ string, since time.Time) (bool, error) { return since.Before(fired), nil }
}

// round lets the timers of all machines go off at once, and returns the turns that were taken.
func round(t *testing.T, makers []*backup.Maker, take func(*backup.Maker) (*backup.Turn, error)) (turns []*backup.Turn, errs error) {
	t.Helper()
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, m := range makers {
		wg.Go(func() {
			turn, err := take(m)
			mu.Lock()
			defer mu.Unlock()
			errs = errors.Join(errs, err)
			if turn != nil {
				turns = append(turns, turn)
			}
		})
	}
	wg.Wait()
	return turns, errs
}

func makeOne(m *backup.Maker) (*backup.Turn, error) { return m.Make(context.Background()) }

// TestBackupsInTurn lets three control planes make archives, by a real etcd of three members and a real object store.
func TestBackupsInTurn(t *testing.T) {
	l, server := newEtcdLab(t, 256<<20), storetest.Serve(t)
	server.Prefix = "clusters/test"
	if err := l.write(5); err != nil {
		t.Fatal(err)
	}
	var makers []*backup.Maker
	for _, n := range l.cluster.Nodes {
		makers = append(makers, l.maker(n, server))
	}
	objects, err := store.S3(server.Bucket, server.Credentials)
	if err != nil {
		t.Fatal(err)
	}
	l.cluster.Backup = &spec.Backup{Schedule: "hourly", Verify: "hourly", Retain: 2}

	// What is not there yet is not proven, and that is no failure.
	if turn, err := makers[0].Check(context.Background()); turn != nil || err != nil {
		t.Errorf("%+v, %v", turn, err)
	}
	// Each time it comes round, one makes one, and of the objects two are kept.
	for i := range 3 {
		due := sinceNow()
		for _, m := range makers {
			m.Due = due
		}
		turns, err := round(t, makers, makeOne)
		if err != nil || len(turns) != 1 || len(turns[0].Places) != 2 || turns[0].Revision < 5 || turns[0].Bytes == 0 {
			t.Fatalf("round %d: %+v, %v", i, turns, err)
		}
		if i == 2 && len(turns[0].Deleted) == 0 {
			t.Errorf("nothing was deleted: %+v", turns[0])
		}
	}
	list, err := backup.Catalogue(context.Background(), objects, true)
	if err != nil || len(list) != 2 || !list[0].Whole || list[0].Manifest.Cluster.ID != l.certs.ClusterID() {
		t.Errorf("%+v, %v", list, err)
	}
	s := l.backups()
	if s.Backups.Made == nil || s.Backups.Made.Archive != list[0].Name || s.Backups.MakeFailed != nil || len(s.Problems) > 0 {
		t.Errorf("%+v, %+v", s.Backups, s.Problems)
	}
	l.proves(makers, list[0].Name)
	l.waitsForTheDead(makers[0])
	l.starves(makers[0])
	l.forgets(makers[0])
	l.fails(makers, server)
}

// backups is what status tells of them.
func (l *etcdLab) backups() *status.Status {
	r, s := l.on(), &status.Status{}
	r.certs = l.certs
	for _, n := range l.cluster.Nodes {
		r.machines = append(r.machines, &machine{node: n})
	}
	for _, m := range r.machines[:1] {
		if err := r.reach(context.Background(), m); err != nil {
			l.t.Fatal(err)
		}
	}
	r.statusBackups(context.Background(), s)
	stopped := func(p status.Problem) bool { return strings.HasPrefix(p.What, "its timer slipway-") }
	if told := slices.DeleteFunc(slices.Clone(s.Problems), func(p status.Problem) bool { return !stopped(p) }); len(told) != 2 {
		l.t.Errorf("this machine has neither timer, and that is not told: %+v", s.Problems)
	}
	s.Problems = slices.DeleteFunc(s.Problems, stopped)
	return s
}

// proves: the newest is fetched, whole, by one machine.
func (l *etcdLab) proves(makers []*backup.Maker, newest string) {
	t, due := l.t, sinceNow()
	for _, m := range makers {
		m.Due = due
		m.Prove = func(_ context.Context, path string, keys map[string][]byte) (backup.Proof, error) {
			a, err := archive.Open(path)
			if err != nil {
				return backup.Proof{}, err
			}
			if len(keys[pki.EncryptionPath]) == 0 {
				t.Error("it is not given the machine's keys")
			}
			return backup.Proof{Found: "its data", Open: []string{"its keys"}}, a.Close()
		}
	}
	turns, err := round(t, makers, func(m *backup.Maker) (*backup.Turn, error) { return m.Check(context.Background()) })
	if err != nil || len(turns) != 1 || turns[0].Archive != newest || len(turns[0].Open) != 1 {
		t.Fatalf("%+v, %v", turns, err)
	}
	if s := l.backups(); s.Backups.Proven == nil || s.Backups.Proven.Archive != newest || s.Backups.Proven.Found != "its data" {
		t.Errorf("%+v", s.Backups)
	}
}

// TestObjectStore: what the operator's files say is read when it is needed, and a file that is gone is told of by its name.
func TestObjectStore(t *testing.T) {
	r, dir := newRun(t), t.TempDir()
	if o, err := r.objectStore(); err != nil || o.Credentials != nil {
		t.Errorf("without a block: %+v, %v", o, err)
	}
	credentials, ca := filepath.Join(dir, "credentials"), filepath.Join(dir, "ca.crt")
	if err := errors.Join(os.WriteFile(credentials, []byte("hunter2"), 0o600), os.WriteFile(ca, []byte("PEM"), 0o644)); err != nil {
		t.Fatal(err)
	}
	r.Cluster.Backup = &spec.Backup{S3: &spec.S3{Bucket: "archives", Credentials: credentials, CA: ca}}
	if o, err := r.objectStore(); err != nil || string(o.Credentials) != "hunter2" || string(o.CA) != "PEM" {
		t.Errorf("%v", err)
	}
	r.Cluster.Backup.S3.Credentials = credentials + ".gone"
	if _, err := r.objectStore(); err == nil || !strings.Contains(err.Error(), "credentials.gone") {
		t.Error(err)
	}
}
