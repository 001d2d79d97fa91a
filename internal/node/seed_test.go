//go:build linux

package node

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway/slipway/internal/layout"
)

// withEtcdutl gives the machine a program that makes a data directory as etcdutl does, and takes down what it was asked. The real one
// is at work in the lab's tests.
func (m Machine) withEtcdutl(t *testing.T, more string) {
	t.Helper()
	m.mustWrite(t, etcdutl, `#!/bin/sh
set -e
echo "$@" >> `+m.path("/asked")+`
for a; do case "$a" in --data-dir=*) d=${a#--data-dir=};; esac; done
`+more+`
mkdir -p "$d/member/snap" "$d/member/wal"; cp "$3" "$d/member/snap/db"
`)
	if err := os.Chmod(m.path(etcdutl), 0o755); err != nil {
		t.Fatal(err)
	}
}

func seed(id, snapshot string) Seed {
	sum := sha256.Sum256([]byte(snapshot))
	return Seed{ID: id, SHA256: hex.EncodeToString(sum[:]), Member: "cp-1", Peer: "https://10.0.0.11:2380", Initial: "cp-1=https://10.0.0.11:2380", Token: "t-" + id, Revision: 1000}
}

func (m Machine) seeded(t *testing.T) Seeded {
	t.Helper()
	got, err := m.Seeded()
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// movedAside are the databases that were moved aside.
func (m Machine) movedAside(t *testing.T) (out []string) {
	t.Helper()
	found, err := filepath.Glob(m.path(layout.Etcd, "removed-*/member/snap/db"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range found {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, string(text))
	}
	return out
}

func TestSeed(t *testing.T) {
	m, ctx := newMachine(t), context.Background()
	m.withEtcdutl(t, "")
	if got := m.seeded(t); got != (Seeded{}) {
		t.Errorf("a bare machine has %+v", got)
	}
	m.mustWrite(t, "/var/lib/etcd/member/snap/db", "old")
	if err := m.Seed(ctx, seed("a", "new"), strings.NewReader("new")); err != nil {
		t.Fatal(err)
	}
	if got := m.seeded(t); got != (Seeded{ID: "a", Member: true}) {
		t.Errorf("it has %+v", got)
	}
	if got := m.mustRead(t, "/var/lib/etcd/member/snap/db"); got != "new" {
		t.Errorf("the data is %q", got)
	}
	want := "--name=cp-1 --initial-cluster=cp-1=https://10.0.0.11:2380 --initial-cluster-token=t-a --initial-advertise-peer-urls=https://10.0.0.11:2380 --bump-revision=1000 --mark-compacted\n"
	if asked := m.mustRead(t, "/asked"); !strings.HasSuffix(asked, want) {
		t.Errorf("etcdutl was asked %q", asked)
	}

	// Since then it has served: the same restore leaves it, and another moves it aside.
	m.mustWrite(t, "/var/lib/etcd/member/snap/db", "served")
	if err := m.Seed(ctx, seed("a", "new"), strings.NewReader("new")); err != nil {
		t.Fatal(err)
	}
	if got := m.mustRead(t, "/var/lib/etcd/member/snap/db"); got != "served" {
		t.Errorf("restored on top of data that has served: %q", got)
	}
	if err := m.Seed(ctx, seed("b", "newer"), strings.NewReader("newer")); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"old", "served"}, m.movedAside(t)); d != "" {
		t.Errorf("moved aside (-want +got):\n%s", d)
	}
	left, err := os.ReadDir(m.path(layout.Etcd))
	if err != nil || len(left) != 3 { // the data, and twice what was aside
		t.Errorf("left: %v, %v", left, err)
	}
}

func TestSeedRefuses(t *testing.T) {
	m, ctx := newMachine(t), context.Background()
	m.withEtcdutl(t, "")
	m.mustWrite(t, "/var/lib/etcd/member/snap/db", "old")
	wants := func(err error, part string) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%v does not say %q", err, part)
		}
		if got := m.mustRead(t, "/var/lib/etcd/member/snap/db"); got != "old" || len(m.movedAside(t)) > 0 {
			t.Errorf("the data is %q, aside %q", got, m.movedAside(t))
		}
	}
	wants(m.Seed(ctx, seed("a", "new"), strings.NewReader("ne")), "arrived damaged")
	wants(m.Seed(ctx, seed("../a", "new"), strings.NewReader("new")), "no name of a restore")
	m.withEtcdutl(t, "echo no space left >&2; exit 1")
	wants(m.Seed(ctx, seed("a", "new"), strings.NewReader("new")), "no space left")

	etcd := m.pod(t, "etcd")
	wants(m.Seed(ctx, seed("a", "new"), strings.NewReader("new")), "etcd runs")
	if got := m.seeded(t); !got.Running || got.ID != "" {
		t.Errorf("it has %+v", got)
	}
	etcd()
	m.withEtcdutl(t, "")
	if err := m.Seed(ctx, seed("a", "new"), strings.NewReader("new")); err != nil { // over what was cut off
		t.Error(err)
	}
}
