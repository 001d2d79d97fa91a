package bootstrap

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/slipway/slipway/components"
	"github.com/slipway/slipway/internal/archive"
	"github.com/slipway/slipway/internal/etcd"
	"github.com/slipway/slipway/internal/node"
	"github.com/slipway/slipway/internal/spec"
	"github.com/slipway/slipway/pki"
)

func TestRestoreRefuses(t *testing.T) {
	_, err := restoringRun(t, func(c *archive.Contents) { c.Manifest.Cluster.Name = "other" })
	says(t, err, `is of the cluster "other", and the file of "test"`)
	_, err = restoringRun(t, func(c *archive.Contents) { c.Manifest.Taken = time.Now().Add(time.Hour) })
	says(t, err, "from now", "clock")

	r, err := restoringRun(t, func(c *archive.Contents) { c.Manifest.Versions.Kubernetes = "1.35.4" })
	if err != nil {
		t.Fatal(err)
	}
	says(t, r.guardVersions(), "is of Kubernetes 1.35.4, and the file says 1.36.3")
	r, _ = restoringRun(t, nil)
	if err := r.guardVersions(); err != nil { // another patch release
		t.Error(err)
	}

	r, _ = restoringRun(t, func(c *archive.Contents) { c.Manifest.Cluster.ID = strings.Repeat("ab", 16) })
	if err := r.dir.Save(r.certs); err != nil {
		t.Fatal(err)
	}
	says(t, r.restoreCerts(context.Background()), "another cluster of that name")

	r, _ = restoringRun(t, nil)
	if err := r.dir.Put(rolloutFile, rollout{From: "1.35.4", To: "1.36.3", Begun: time.Now()}); err != nil {
		t.Fatal(err)
	}
	says(t, r.guardRestore(), "a change from Kubernetes 1.35.4 to 1.36.3 stands half way")

	r, _ = restoringRun(t, func(c *archive.Contents) {
		c.Spec = []byte(strings.ReplaceAll(string(c.Spec), "10.244.0.0/16", "10.200.0.0/16"))
	})
	says(t, r.guardRestore(), "network.pods")
}

func TestRestoreKeys(t *testing.T) {
	r, err := restoringRun(t, nil)
	if err != nil {
		t.Fatal(err)
	}
	id, key := r.certs.ClusterID(), string(r.certs.EncryptionKey)
	if err := r.restoreCerts(context.Background()); err != nil { // the state directory is empty
		t.Fatal(err)
	}
	if r.certs.ClusterID() != id || string(r.certs.EncryptionKey) != key || len(r.certs.Node("w-1")) == 0 {
		t.Error("the keys in the archive were not taken")
	}
	set, secrets := r.certs, r.restore.source.secrets
	r.restore.source.secrets = nil
	says(t, r.restoreCerts(context.Background()), "sealed")

	_, identity := newArchive(t, newRun(t), nil)
	_, err = openSource(r.restore.from.Path, []string{identity})
	if wrong := new(archive.WrongKeyError); !errors.As(err, &wrong) {
		t.Errorf("opened with another's key: %v", err)
	}

	// Another cluster of the same authority, with another key to its Secrets.
	if err := r.dir.Save(set); err != nil {
		t.Fatal(err)
	}
	other := []byte("resources:\n- resources: [secrets]\n  providers:\n  - secretbox: {keys: [{name: a, secret: " + base64.StdEncoding.EncodeToString(make([]byte, 32)) + "}]}\n")
	r.restore.source.secrets = maps.Clone(secrets)
	r.restore.source.secrets[pki.EncryptionPath] = other
	says(t, r.restoreCerts(context.Background()), "hold different keys of one cluster")
}

// TestRestoredMembers: all of them are there from the start, in a membership of its own.
func TestRestoredMembers(t *testing.T) {
	r, _ := restoringRun(t, nil)
	r.members = r.restoredMembers()
	want := components.Membership{Initial: "cp-1=https://10.0.0.11:2380", Token: r.certs.ClusterID() + "-" + r.restore.journal.ID}
	if got := r.members["cp-1"]; got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestFormer(t *testing.T) {
	r, _ := restoringRun(t, nil)
	names := func() (out []string) {
		t.Helper()
		found, err := r.candidates(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range found {
			out = append(out, n.Name+"="+n.Address.String())
		}
		return out
	}
	if got := names(); !slices.Equal(got, []string{"cp-0=10.0.0.10"}) { // by the archive
		t.Errorf("%q", got)
	}
	err := r.dir.PutNodes([]spec.Node{declare("cp-1", spec.ControlPlane, "10.0.0.9"), declare("cp-2", spec.ControlPlane, "10.0.0.12"), declare("w-1", spec.Worker, "10.0.0.22"), declare("w-2", spec.Worker, "10.0.0.23")})
	if err != nil {
		t.Fatal(err)
	}
	if got := names(); !slices.Equal(got, []string{"cp-1=10.0.0.9", "cp-2=10.0.0.12", "w-1=10.0.0.22"}) {
		t.Errorf("%q", got)
	}
	found, _ := r.candidates(context.Background())
	r.restore.from.Gone = []string{"cp-2", "cp-1"}
	if err := r.guardGone(found); err != nil {
		t.Error(err)
	}
	r.restore.from.Gone = []string{"cp-7"}
	says(t, r.guardGone(found), "--gone cp-7: no control plane of that name")
	r.restore.from.Gone = []string{"lb-1"}
	says(t, r.guardGone(found), "it is in the file")
}

// TestAhead: what is sent ahead to a machine at work disturbs nothing there.
func TestAhead(t *testing.T) {
	m := &machine{state: node.State{Resources: []node.Resource{
		{Dir: &node.Dir{Path: "/etc/kubernetes"}}, {Image: &node.Image{Ref: "etcd"}}, {Binary: &node.Binary{Path: "/usr/local/bin/etcdutl"}}, {Binary: &node.Binary{Path: "/usr/bin/runc"}},
		{Unit: &node.Unit{Name: "containerd.service"}}, {File: &node.File{Path: "/etc/kubernetes/pki/ca.key"}}, {File: &node.File{Path: etcdManifest}}, {Unit: &node.Unit{Name: "kubelet.service"}},
	}}}
	ids := func() (out []string) {
		s := ahead(m)
		if !s.Part {
			t.Error("it would take away the rest")
		}
		for _, res := range s.Resources {
			out = append(out, res.ID())
		}
		return out
	}
	if got := ids(); !slices.Equal(got, []string{"image etcd", "binary /usr/local/bin/etcdutl"}) {
		t.Errorf("a machine at work gets %q", got)
	}
	m.changes = []node.Change{{ID: kubeletUnit, Action: node.Start}}
	want := []string{"dir /etc/kubernetes", "image etcd", "binary /usr/local/bin/etcdutl", "binary /usr/bin/runc", "unit containerd.service", "file /etc/kubernetes/pki/ca.key"}
	if got := ids(); !slices.Equal(got, want) {
		t.Errorf("a fresh machine gets %q", got)
	}
}

func TestSnapshotAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	page := make([]byte, 8192)
	copy(page[16:], []byte{0xED, 0xDA, 0x0C, 0xED})
	sum := sha256.Sum256(page)
	if err := os.WriteFile(path, append(page, sum[:]...), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := openSource(path, nil)
	says(t, err, path)
	if _, err := etcd.Inspect(path); err == nil {
		t.Error("no database was taken for one")
	}
	if err := os.WriteFile(path, page, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = openSource(path, nil)
	says(t, err, "no database with its sum")
}
