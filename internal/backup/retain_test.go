package backup

import (
	"bytes"
	"crypto/sha256"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway/slipway/internal/archive"
	"github.com/slipway/slipway/internal/store"
	"github.com/slipway/slipway/internal/store/storetest"
)

// put writes an archive of the cluster, hours after the first.
func put(t *testing.T, path, cluster string, hours int) {
	t.Helper()
	recipient, err := archive.ParseRecipient("age1t7rxyev2z3rw82stdlrrepyc39nvn86l5078zqkf5uasdy86jp6svpy7pa")
	if err != nil {
		t.Fatal(err)
	}
	db := bytes.Repeat([]byte("page"), 1024)
	sum := sha256.Sum256(db)
	snapshot := filepath.Join(t.TempDir(), "db")
	if err := os.WriteFile(snapshot, append(db, sum[:]...), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = archive.Create(path, archive.Contents{
		Manifest: archive.Manifest{
			Taken: time.Date(2026, 1, 1, hours, 0, 0, 0, time.UTC), Cluster: archive.Cluster{Name: "prod", ID: cluster}, Node: "cp-1",
			Versions: archive.Versions{Kubernetes: "1.36.3", Etcd: "3.6.16"}, Etcd: archive.Etcd{Revision: 1, Members: []archive.Member{{Name: "cp-1"}}},
		},
		Spec: []byte("cluster"), Secrets: map[string][]byte{"a": []byte("b")}, Recipients: []archive.Recipient{recipient}, Snapshot: snapshot,
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestOnlyOwnGoodOnesCountAndGo: names and times of files say nothing, contents do.
func TestOnlyOwnGoodOnesCountAndGo(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	for name, hours := range map[string]int{"e.slipway": 1, "d.slipway": 2, "c.slipway": 3, "b.slipway": 4} {
		put(t, at(name), "ours", hours)
	}
	put(t, at("foreign.slipway"), "theirs", 0)
	put(t, at("ours.old"), "ours", 0)
	put(t, at("newest-and-damaged.slipway"), "ours", 9)
	whole, err := os.ReadFile(at("newest-and-damaged.slipway"))
	if err != nil {
		t.Fatal(err)
	}
	whole[len(whole)/2] ^= 1
	for name, content := range map[string][]byte{"newest-and-damaged.slipway": whole, "notes.slipway": []byte("not an archive")} {
		if err := os.WriteFile(at(name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(at("e.slipway"), at("link.slipway")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Retain(t.Context(), store.Dir(dir), Retention{Cluster: "ours"}); err == nil {
		t.Error("keeping none was not refused")
	}
	for _, c := range []struct {
		keep int
		want []string
	}{{9, nil}, {3, []string{at("e.slipway")}}, {1, []string{at("c.slipway"), at("d.slipway")}}, {1, nil}} {
		got, _, err := Retain(t.Context(), store.Dir(dir), Retention{Cluster: "ours", Keep: c.keep})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("keep %d: %s", c.keep, diff)
		}
	}
	for _, name := range []string{"b.slipway", "foreign.slipway", "ours.old", "newest-and-damaged.slipway", "notes.slipway", "link.slipway"} {
		if _, err := os.Lstat(at(name)); err != nil {
			t.Error(err)
		}
	}
}

// TestObjectsAreReadBeforeOthersGo: of objects the middle is not looked at, but for the newest, which is read whole first.
func TestObjectsAreReadBeforeOthersGo(t *testing.T) {
	server, dir := storetest.Serve(t), t.TempDir()
	s, err := store.S3(server.Bucket, server.Credentials)
	if err != nil {
		t.Fatal(err)
	}
	keep := func(name, cluster string, hours int, damage bool) {
		t.Helper()
		path := filepath.Join(dir, name)
		put(t, path, cluster, hours)
		if damage {
			whole, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			whole[len(whole)-2048-600] ^= 1
			if err := os.WriteFile(path, whole, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := store.Keep(t.Context(), s, name, path); err != nil {
			t.Fatal(err)
		}
	}
	keep("a.slipway", "ours", 1, false)
	keep("b.slipway", "ours", 2, false)
	keep("foreign.slipway", "theirs", 0, false)
	keep("newest.slipway", "ours", 9, true)
	if deleted, _, err := Retain(t.Context(), s, Retention{Cluster: "ours", Keep: 1}); err == nil || len(deleted) > 0 {
		t.Errorf("%v, %v", deleted, err)
	}
	list, err := Catalogue(t.Context(), s, true)
	if err != nil || len(list) != 4 || list[0].Name != "newest.slipway" || list[0].Error == "" || !list[1].Whole {
		t.Errorf("%+v, %v", list, err)
	}
	if err := s.Delete(t.Context(), "newest.slipway"); err != nil {
		t.Fatal(err)
	}
	deleted, _, err := Retain(t.Context(), s, Retention{Cluster: "ours", Keep: 1})
	if diff := cmp.Diff([]string{s.Path("a.slipway")}, deleted); diff != "" || err != nil {
		t.Error(diff, err)
	}
}
