package archive

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write golden files")

// snapshotFile is a file as etcd gives it: whole pages, and their sum behind them.
func snapshotFile(t testing.TB, pages int) string {
	t.Helper()
	db := bytes.Repeat([]byte("a page of a database, compressible "), pages*4096/34+1)[:pages*4096]
	sum := sha256.Sum256(db)
	path := filepath.Join(t.TempDir(), "etcd.db")
	if err := os.WriteFile(path, append(db, sum[:]...), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func identity(t testing.TB) (Identity, Recipient) {
	t.Helper()
	key, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	recipient, err := ParseRecipient(key.Recipient().String())
	if err != nil {
		t.Fatal(err)
	}
	return key, recipient
}

func contents(t testing.TB, recipients ...Recipient) Contents {
	t.Helper()
	return Contents{
		Manifest: Manifest{
			Taken:    time.Date(2026, 3, 1, 12, 30, 0, 0, time.FixedZone("", 3600)),
			Cluster:  Cluster{Name: "prod", ID: strings.Repeat("ab", 16)},
			Versions: Versions{Kubernetes: "1.36.3", Etcd: "3.6.16", Slipway: "v1.2.3"},
			Node:     "cp-2",
			Etcd: Etcd{
				Cluster: "cdf818194e3a8c32", Member: "8e9e05c52164694d", Revision: 8123, CompactRevision: 7000, HashKV: 3141592653,
				Members: []Member{
					{ID: "8e9e05c52164694d", Name: "cp-2", Peer: "https://10.0.0.12:2380", Client: "https://10.0.0.12:2379"},
					{ID: "91bc3c398fb3c146", Name: "cp-3", Peer: "https://10.0.0.13:2380", Learner: true},
				},
			},
		},
		Spec:       []byte("cluster \"prod\" {\n  kubernetes = \"1.36.3\"\n}\n"),
		Secrets:    map[string][]byte{"/etc/kubernetes/pki/ca.key": []byte("a very secret key"), "/etc/kubernetes/pki/ca.crt": []byte("cert")},
		Recipients: recipients,
		Snapshot:   snapshotFile(t, 3),
	}
}

func write(t testing.TB, c Contents) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a.slipway")
	if _, err := Create(path, c); err != nil {
		t.Fatal(err)
	}
	return path
}

func open(t testing.TB, path string) *Archive {
	t.Helper()
	a, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return a
}

func TestWhatGoesInComesOut(t *testing.T) {
	key, recipient := identity(t)
	_, other := identity(t)
	c := contents(t, other, recipient)
	path := write(t, c)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	a := open(t, path)
	if !bytes.Equal(a.Spec(), c.Spec) {
		t.Errorf("spec: %s", a.Spec())
	}
	secrets, err := a.Secrets(key)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(c.Secrets, secrets); diff != "" {
		t.Error(diff)
	}
	want, err := os.ReadFile(c.Snapshot)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // an archive can be read more than once
		to := filepath.Join(t.TempDir(), "out.db")
		if err := a.ExtractSnapshot(to); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(to); err != nil || !bytes.Equal(got, want) {
			t.Errorf("snapshot: %d bytes, want %d; %v", len(got), len(want), err)
		}
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, secret := range c.Secrets {
		for _, form := range []string{string(secret), base64.StdEncoding.EncodeToString(secret), name} {
			if bytes.Contains(whole, []byte(form)) {
				t.Errorf("%q stands in the clear", form)
			}
		}
	}
}

func TestManifestIsWrittenAsEver(t *testing.T) {
	recipient, err := ParseRecipient("age1t7rxyev2z3rw82stdlrrepyc39nvn86l5078zqkf5uasdy86jp6svpy7pa")
	if err != nil {
		t.Fatal(err)
	}
	got, err := open(t, write(t, contents(t, recipient))).Manifest().encode()
	if err != nil {
		t.Fatal(err)
	}
	golden := filepath.Join("testdata", "manifest.json")
	if *update {
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("archives that exist would not be read any more: count up Format (-want +got):\n%s", diff)
	}
}

// TestTarReadsIt: an archive must open where there is no slipway.
func TestTarReadsIt(t *testing.T) {
	_, recipient := identity(t)
	path := write(t, contents(t, recipient))
	out, err := exec.Command("tar", "-tf", path).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if diff := cmp.Diff("manifest.json\ncluster.hcl\nsecrets.age\nsnapshot.db.zst\nsha256\n", string(out)); diff != "" {
		t.Error(diff)
	}
}

func TestWrongKey(t *testing.T) {
	_, recipient := identity(t)
	stranger, _ := identity(t)
	a := open(t, write(t, contents(t, recipient)))
	for _, identities := range [][]Identity{nil, {stranger}, {stranger, stranger}} {
		_, err := a.Secrets(identities...)
		var wrong *WrongKeyError
		if !errors.As(err, &wrong) || wrong.Tried != len(identities) || !strings.Contains(err.Error(), recipient.String()) {
			t.Errorf("%d identities: %v", len(identities), err)
		}
	}
}

// TestExchangedPartsAreNoticed: both files are whole by their sums; the keys of the one do not vouch for the other's snapshot.
func TestExchangedPartsAreNoticed(t *testing.T) {
	key, recipient := identity(t)
	one, two := contents(t, recipient), contents(t, recipient)
	two.Snapshot = snapshotFile(t, 4)
	a, b := open(t, write(t, one)), open(t, write(t, two))
	b.sealed = a.sealed
	if _, err := b.Secrets(key); err == nil || !strings.Contains(err.Error(), "another archive") {
		t.Errorf("got %v", err)
	}
}

func TestCreateRefuses(t *testing.T) {
	_, recipient := identity(t)
	for name, spoil := range map[string]func(*Contents){
		"no recipient": func(c *Contents) { c.Recipients = nil },
		"no keys":      func(c *Contents) { c.Secrets = nil },
		"declaration":  func(c *Contents) { c.Spec = nil },
		"cluster.id":   func(c *Contents) { c.Manifest.Cluster.ID = "" },
		"no such file": func(c *Contents) { c.Snapshot += ".gone" },
		"damaged": func(c *Contents) {
			b, err := os.ReadFile(c.Snapshot)
			if err != nil {
				t.Fatal(err)
			}
			b[5000] ^= 1
			if err := os.WriteFile(c.Snapshot, b, 0o600); err != nil {
				t.Fatal(err)
			}
		},
		"no database": func(c *Contents) {
			if err := os.Truncate(c.Snapshot, 5000); err != nil {
				t.Fatal(err)
			}
		},
	} {
		c := contents(t, recipient)
		spoil(&c)
		dir := t.TempDir()
		if _, err := Create(filepath.Join(dir, "a"), c); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("%s: %v is left, %v", name, left, err)
		}
	}
}
