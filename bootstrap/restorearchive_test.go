package bootstrap

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/slipway/slipway/internal/archive"
	"github.com/slipway/slipway/internal/spec"
	"github.com/slipway/slipway/pki"
)

// lastingFiles are those of pki.LastingPaths on a control plane of the cluster.
func lastingFiles(certs *pki.Set) map[string][]byte {
	files := map[string][]byte{
		pki.ServiceAccountPath + ".pub": certs.ServiceAccount.Cert, pki.ServiceAccountPath + ".key": certs.ServiceAccount.Key,
		pki.EncryptionPath: []byte("resources:\n- resources: [secrets]\n  providers:\n  - secretbox: {keys: [{name: a, secret: " + base64.StdEncoding.EncodeToString(certs.EncryptionKey) + "}]}\n"),
	}
	for _, a := range pki.Authorities() {
		files[a.Path+".crt"], files[a.Path+".key"] = certs.CA(a.Name).Cert, certs.CA(a.Name).Key
	}
	return files
}

// newArchive writes an archive of r's cluster, changed by change, and the identity that opens it.
func newArchive(t *testing.T, r *Run, change func(*archive.Contents)) (path, identity string) {
	t.Helper()
	key, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	recipient, err := archive.ParseRecipient(key.Recipient().String())
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	page := make([]byte, 4096)
	sum := sha256.Sum256(page)
	snapshot := filepath.Join(dir, "snapshot.db")
	identity = filepath.Join(dir, "key.txt")
	if err := errors.Join(os.WriteFile(snapshot, append(page, sum[:]...), 0o600), os.WriteFile(identity, []byte(key.String()+"\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	c := archive.Contents{
		Manifest: archive.Manifest{
			Taken: time.Now().Add(-time.Hour), Cluster: archive.Cluster{Name: r.Cluster.Name, ID: r.certs.ClusterID()}, Node: "cp-1",
			Versions: archive.Versions{Kubernetes: "1.36.1", Etcd: "3.6.14"},
			Etcd:     archive.Etcd{Revision: 4000, Members: []archive.Member{{Name: "cp-0", Peer: "https://10.0.0.10:2380"}, {Name: "cp-1", Peer: "https://10.0.0.11:2380"}}},
		},
		Spec: spec.Write(r.Cluster), Secrets: lastingFiles(r.certs), Snapshot: snapshot, Recipients: []archive.Recipient{recipient},
	}
	if change != nil {
		change(&c)
	}
	path = filepath.Join(dir, "prod.slipway")
	if _, err := archive.Create(path, c); err != nil {
		t.Fatal(err)
	}
	return path, identity
}

// restoringRun is a run that restores the archive, as far as PlanRestore gets before it connects.
func restoringRun(t *testing.T, change func(*archive.Contents)) (*Run, error) {
	t.Helper()
	r := newRun(t)
	path, identity := newArchive(t, r, change)
	s, err := openSource(path, []string{identity})
	if err != nil {
		t.Fatal(err)
	}
	r.restore = &restoring{from: RestoreFrom{Path: path}, source: s}
	return r, errors.Join(r.guardRestore(), r.resume())
}

func says(t *testing.T, err error, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if err == nil || !strings.Contains(err.Error(), p) {
			t.Errorf("%v does not say %q", err, p)
		}
	}
}
