package proof

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/slipway/slipway/internal/archive"
	"github.com/slipway/slipway/internal/etcd"
	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/spec"
	"github.com/slipway/slipway/pki"
)

// keysOf are those of a new cluster as they lie on its control planes, and the cluster's ID.
func keysOf(t *testing.T) (files map[string][]byte, id string) {
	t.Helper()
	c := &spec.Cluster{
		Name: "prod", Kubernetes: "1.36.3", Endpoint: netip.MustParseAddrPort("10.0.0.100:6443"),
		Network: spec.Network{Pods: netip.MustParsePrefix("10.244.0.0/16"), Services: netip.MustParsePrefix("10.96.0.0/16"), DNS: "cluster.local"},
		PKI:     spec.PKI{Algorithm: "ecdsa-p256", CALifetime: 24 * time.Hour, Lifetime: time.Hour},
		Nodes:   []spec.Node{{Name: "cp-1", Role: spec.ControlPlane, Address: netip.MustParseAddr("10.0.0.11")}},
	}
	set, err := pki.Create(c, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	files = map[string][]byte{
		pki.ServiceAccountPath + ".pub": set.ServiceAccount.Cert, pki.ServiceAccountPath + ".key": set.ServiceAccount.Key,
		pki.EncryptionPath: []byte("resources:\n- resources: [secrets]\n  providers:\n  - secretbox: {keys: [{name: a, secret: " + base64.StdEncoding.EncodeToString(set.EncryptionKey) + "}]}\n"),
	}
	for _, a := range pki.Authorities() {
		files[a.Path+".crt"], files[a.Path+".key"] = set.CA(a.Name).Cert, set.CA(a.Name).Key
	}
	return files, set.ClusterID()
}

// archiveOf writes one whose snapshot holds nothing that could be restored.
func archiveOf(t *testing.T, files map[string][]byte, id string) (path string, identity archive.Identity) {
	t.Helper()
	dir := t.TempDir()
	key, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	to, err := archive.ParseRecipient(key.Recipient().String())
	if err != nil {
		t.Fatal(err)
	}
	db := bytes.Repeat([]byte("page"), 1024)
	sum := sha256.Sum256(db)
	snapshot := filepath.Join(dir, "db")
	if err := os.WriteFile(snapshot, append(db, sum[:]...), 0o600); err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(dir, "a.slipway")
	_, err = archive.Create(path, archive.Contents{
		Manifest: archive.Manifest{
			Taken: time.Now(), Cluster: archive.Cluster{Name: "prod", ID: id}, Node: "cp-1",
			Versions: archive.Versions{Kubernetes: "1.36.3", Etcd: "3.6.16"}, Etcd: archive.Etcd{Revision: 1, Members: []archive.Member{{Name: "cp-1"}}},
		},
		Spec: []byte(declaration), Secrets: files, Recipients: []archive.Recipient{to}, Snapshot: snapshot,
	})
	if err != nil {
		t.Fatal(err)
	}
	return path, key
}

const declaration = `cluster "prod" {
  kubernetes = "1.36.3"
  endpoint   = "10.0.0.100:6443"
}
load_balancer "external" {}
node "cp-1" {
  role    = "control-plane"
  address = "10.0.0.11"
}
`

// TestKeysOfTheMachine: without an identity Secrets are read with the machine's keys, and all that is left open is that those in the archive
// can be opened. Keys of another cluster, or not all of them, are no keys.
func TestKeysOfTheMachine(t *testing.T) {
	files, id := keysOf(t)
	others, _ := keysOf(t)
	path, identity := archiveOf(t, files, id)
	some := maps.Clone(files)
	delete(some, pki.EncryptionPath)
	for name, c := range map[string]struct {
		how   Options
		open  []string
		given bool
		fails string
	}{
		"an identity":           {how: Options{Identities: []archive.Identity{identity}}},
		"neither":               {how: Options{}, open: []string{"that its keys can be read: no identity was given"}},
		"the machine's":         {how: Options{Keys: files}, open: []string{"that its sealed keys can be opened: that was not tried, for want of an identity"}, given: true},
		"both":                  {how: Options{Keys: others, Identities: []archive.Identity{identity}}},
		"another machine's":     {how: Options{Keys: others}, fails: "the keys that were given are of cluster"},
		"not all the machine's": {how: Options{Keys: some}, fails: pki.EncryptionPath},
	} {
		t.Run(name, func(t *testing.T) {
			c.how.Path, c.how.Sink = path, event.Discard
			r := &run{Options: c.how, report: &Report{Path: path}}
			var err error
			if r.archive, err = archive.Open(path); err != nil {
				t.Fatal(err)
			}
			defer r.archive.Close()
			r.report.Manifest = r.archive.Manifest()
			if err := r.openKeys(t.Context()); c.fails != "" {
				if err == nil || !strings.Contains(err.Error(), c.fails) {
					t.Error(err)
				}
				return
			} else if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(r.report.Open, c.open) || r.report.Given != c.given {
				t.Errorf("open %q, given %t", r.report.Open, r.report.Given)
			}
			if has := r.keys != nil; has == (name == "neither") || has && !bytes.Equal(r.keys[pki.EncryptionPath], files[pki.EncryptionPath]) {
				t.Error("other keys than those")
			}
			// Secrets that were read are none that stay open.
			r.report.Objects = 2
			if r.keys != nil {
				r.report.Secrets = &Secrets{Objects: 1}
			} else {
				r.report.Objects = 1
			}
			if err := r.account(etcd.Stored{Keys: []string{"secrets/a/b", "configmaps/a/b"}}); err != nil {
				t.Error(err)
			}
			r.report.Restored = true
			if read := len(r.report.Open) == len(c.open); read != (r.keys != nil) || strings.Contains(r.report.Found(), "every Secret (1)") != read || strings.Contains(r.report.Found(), "this machine's key") != c.given {
				t.Errorf("%q, open %q", r.report.Found(), r.report.Open)
			}
		})
	}
}

// TestProgramsOfAnotherVersionProveNothing: all that could be looked at is good, and that it can be restored is not said of it.
func TestProgramsOfAnotherVersionProveNothing(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("programs run on Linux")
	}
	files, id := keysOf(t)
	path, _ := archiveOf(t, files, id)
	programs := t.TempDir()
	for _, name := range []string{"kube", "etcdutl"} {
		if err := os.WriteFile(filepath.Join(programs, name), []byte("#!/bin/sh\necho Kubernetes v1.35.4\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	report, err := Prove(t.Context(), Options{Path: path, Keys: files, Programs: programs, Temp: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	if report.Restored || report.Proven || report.Found() != "" || len(report.Open) != 2 || !strings.Contains(report.Open[1], "are of Kubernetes 1.35.4, and the archive of 1.36.3") {
		t.Errorf("%+v", report)
	}
}
