package statedir

import (
	"bytes"
	"errors"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway/slipway/internal/spec"
	"github.com/slipway/slipway/pki"
)

func cluster(nodes ...string) *spec.Cluster {
	c := &spec.Cluster{
		Name:     "test",
		Endpoint: netip.MustParseAddrPort("10.0.0.100:6443"),
		Network:  spec.Network{Services: netip.MustParsePrefix("10.96.0.0/16"), DNS: "cluster.local"},
		PKI:      spec.PKI{Algorithm: "ecdsa-p256", CALifetime: 87600 * time.Hour, Lifetime: 8760 * time.Hour},
	}
	addr := netip.MustParseAddr("10.0.0.11")
	for _, name := range nodes {
		role := spec.Worker
		if strings.HasPrefix(name, "cp") {
			role = spec.ControlPlane
		}
		c.Nodes = append(c.Nodes, spec.Node{Name: name, Role: role, Address: addr})
		addr = addr.Next()
	}
	return c
}

func create(t *testing.T, nodes ...string) *pki.Set {
	t.Helper()
	set, err := pki.Create(cluster(nodes...), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func open(t *testing.T, path string) *Dir {
	t.Helper()
	d, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// private is a new directory that only its owner can read.
func private(t *testing.T) string { return filepath.Join(t.TempDir(), "state") }

func same(t *testing.T, got, want *pki.Set) {
	t.Helper()
	if !maps.EqualFunc(got.Files(), want.Files(), bytes.Equal) {
		t.Errorf("the set read back differs from the one saved")
	}
}

func wantError(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one with %q", parts)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error lacks %q: %v", part, err)
		}
	}
}

func TestSaveLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "deep", "state")
	d := open(t, path)
	if _, err := d.Load(); !errors.Is(err, ErrEmpty) {
		t.Fatalf("load of an empty directory: %v", err)
	}
	set := create(t, "cp-1", "w-1")
	if err := d.Save(set); err != nil {
		t.Fatal(err)
	}
	got, err := d.Load()
	if err != nil {
		t.Fatal(err)
	}
	same(t, got, set)
	for _, file := range []string{"pki/ca.crt", "pki/etcd/ca.key", "pki/sa.pub", "pki/admin.crt",
		"pki/encryption.key", "nodes/cp-1/etcd/server.crt", "nodes/w-1/kubelet.key", "cluster.json"} {
		info, err := os.Stat(filepath.Join(path, file))
		if err != nil {
			t.Error(err)
		} else if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %o", file, info.Mode().Perm())
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the directory: %v, %v", info.Mode(), err)
	}
}

func TestSaveWritesOnlyWhatChanged(t *testing.T) {
	d := open(t, private(t))
	set := create(t, "cp-1", "w-1", "w-2")
	if err := d.Save(set); err != nil {
		t.Fatal(err)
	}
	before := times(t, d.Path())
	if err := d.Save(set); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, times(t, d.Path())); diff != "" {
		t.Errorf("saving the same again wrote: %s", diff)
	}
	c := cluster("cp-1", "w-1")
	c.Nodes[1].Address = netip.MustParseAddr("10.0.0.77")
	if _, err := set.Ensure(c, time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := d.Save(set); err != nil {
		t.Fatal(err)
	}
	after := times(t, d.Path())
	var touched []string
	for name, when := range before {
		if !after[name].Equal(when) {
			touched = append(touched, name)
		}
	}
	slices.Sort(touched)
	want := []string{"cluster.json", "nodes/w-1/kubelet-serving.crt", "nodes/w-1/kubelet-serving.key",
		"nodes/w-2/kubelet-serving.crt", "nodes/w-2/kubelet-serving.key", "nodes/w-2/kubelet.crt", "nodes/w-2/kubelet.key"}
	if diff := cmp.Diff(want, touched); diff != "" {
		t.Error(diff)
	}
	if _, err := os.Stat(filepath.Join(d.Path(), "nodes/w-2")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder of a node that is gone: %v", err)
	}
}

// times maps each file below dir to when it was written.
func times(t *testing.T, dir string) map[string]time.Time {
	t.Helper()
	names := map[string]bool{}
	if err := (&Dir{path: dir}).list(".", names); err != nil {
		t.Fatal(err)
	}
	out := map[string]time.Time{}
	for name := range names {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		out[name] = info.ModTime()
	}
	return out
}

func TestAuthoritiesAreNeverReplaced(t *testing.T) {
	d := open(t, private(t))
	if err := d.Save(create(t, "cp-1")); err != nil {
		t.Fatal(err)
	}
	wantError(t, d.Save(create(t, "cp-1")), "cannot be replaced by cluster")

	for _, file := range []string{"pki/ca.crt", "pki/ca.key", "pki/etcd/ca.key", "pki/sa.key", "pki/encryption.key"} {
		path := filepath.Join(d.Path(), file)
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, damage := range [][]byte{nil, content[:len(content)/2], {}} {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			if damage != nil {
				err = os.WriteFile(path, damage, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
			_, err = d.Load()
			wantError(t, err, "damaged", "restore the directory from a copy")
			if errors.Is(err, ErrEmpty) {
				t.Errorf("%s damaged: taken for an empty directory", file)
			}
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := d.Load(); err != nil {
		t.Errorf("after mending: %v", err)
	}
}

func TestForeignKeysAreNotTaken(t *testing.T) {
	d := open(t, private(t))
	if err := d.Save(create(t, "cp-1")); err != nil {
		t.Fatal(err)
	}
	other := open(t, private(t))
	if err := other.Save(create(t, "cp-1")); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{"pki/ca.crt", "pki/ca.key"} {
		if err := os.Rename(filepath.Join(other.Path(), file), filepath.Join(d.Path(), file)); err != nil {
			t.Fatal(err)
		}
	}
	_, err := d.Load()
	wantError(t, err, "the authority in it is of cluster")

	if err := os.Remove(filepath.Join(d.Path(), markerFile)); err != nil {
		t.Fatal(err)
	}
	_, err = d.Load()
	wantError(t, err, "holds keys, but no cluster.json")
}

func TestMismatchedLeafIsIssuedAgain(t *testing.T) {
	d := open(t, private(t))
	set := create(t, "cp-1", "w-1")
	if err := d.Save(set); err != nil {
		t.Fatal(err)
	}
	serving := filepath.Join(d.Path(), "nodes/w-1/kubelet-serving.key")
	content, err := os.ReadFile(filepath.Join(d.Path(), "nodes/w-1/kubelet.key"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(serving, content, 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := d.Load()
	if err != nil {
		t.Fatal(err)
	}
	issued, err := got.Ensure(cluster("cp-1", "w-1"), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	want := []pki.Issued{{Node: "w-1", Name: pki.KubeletServing, Reason: "missing"}}
	if diff := cmp.Diff(want, issued); diff != "" {
		t.Error(diff)
	}
}
