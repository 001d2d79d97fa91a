//go:build torture

package test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"filippo.io/age"

	"github.com/slipway/slipway/internal/archive"
)

// archive makes an archive and the identity that opens it.
func (c *cluster) archive(file string) (path, identity string) {
	c.t.Helper()
	identity, recipient := c.key("identity")
	path = filepath.Join(c.dir, "res.slipway")
	c.must("etcd", "backup", "-f", file, "--recipient", recipient, path)
	return path, identity
}

// ofVersions is the archive as if other versions had made it, sealed to the same identity.
func (c *cluster) ofVersions(path, identity, kubernetes, etcd string) string {
	c.t.Helper()
	a, err := archive.Open(path)
	if err != nil {
		c.t.Fatal(err)
	}
	defer a.Close()
	keys, err := archive.ReadIdentities(identity)
	if err != nil {
		c.t.Fatal(err)
	}
	m := a.Manifest()
	recipient, err := archive.ParseRecipient(m.Recipients[0])
	if err != nil {
		c.t.Fatal(err)
	}
	secrets, err := a.Secrets(keys...)
	if err != nil {
		c.t.Fatal(err)
	}
	snapshot := filepath.Join(c.dir, "snapshot.db")
	if err := a.ExtractSnapshot(snapshot); err != nil {
		c.t.Fatal(err)
	}
	m.Versions.Kubernetes, m.Versions.Etcd = kubernetes, etcd
	other := filepath.Join(c.dir, "other.slipway")
	if _, err := archive.Create(other, archive.Contents{Manifest: m, Spec: a.Spec(), Secrets: secrets, Recipients: []archive.Recipient{recipient}, Snapshot: snapshot}); err != nil {
		c.t.Fatal(err)
	}
	return other
}

// restoreRefuses tries all that is refused while the cluster serves, and wants it untouched.
func (c *cluster) restoreRefuses(file, a, key, body string) {
	t := c.t
	t.Helper()
	began := c.exec("cp-1", "sh", "-c", "ls -di /proc/$(pgrep -x etcd) && stat -c %Y /var/lib/etcd/member")
	whole, err := os.ReadFile(a)
	if err != nil {
		t.Fatal(err)
	}
	damaged := filepath.Join(t.TempDir(), "damaged")
	at := len(whole) / 2
	bad := slices.Clone(whole)
	bad[at] ^= 1
	if err := os.WriteFile(damaged, bad, 0o600); err != nil {
		t.Fatal(err)
	}
	c.says(c.run("restore", "-f", file, damaged, "--yes"), 3, "it is damaged")
	stranger, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	wrong := filepath.Join(t.TempDir(), "wrong")
	if err := os.WriteFile(wrong, []byte(stranger.String()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c.says(c.run("restore", "-f", file, a, "--identity", wrong, "--yes"), 3, "its keys are sealed to")
	v := kubernetesVersion()
	c.says(c.run("restore", "-f", file, c.ofVersions(a, key, "1.30.9", "3.5.21"), "--yes"), 3, "is of Kubernetes 1.30.9, and the file says "+v)
	c.says(c.run("restore", "-f", file, c.ofVersions(a, key, v, "3.9.0"), "--yes"), 3, "is of etcd 3.9.0, whose form")
	c.says(c.run("restore", "-f", file, a, "--gone", "cp-3", "--yes"), 3, "it is in the file")
	c.says(c.run("restore", "-f", file, a), 3, "nothing was changed")
	plan := c.run("restore", "-f", file, a)
	c.says(plan, 3, "writes since the archive was taken are LOST", "data on", "cp-1, cp-2, cp-3")
	t.Logf("the plan:\n%s", plan.stdout)

	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	other := func(from, to string) string {
		path := filepath.Join(c.dir, "other.hcl")
		if err := os.WriteFile(path, bytes.Replace(text, []byte(from), []byte(to), 1), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	c.says(c.run("restore", "-f", other(`cluster "res"`, `cluster "resx"`), a, "--yes"), 3, `is of the cluster "res", and the file of "resx"`)
	c.lab("cut", "w-1")
	c.says(c.run("restore", "-f", file, a, "--yes"), 4, "w-1")
	c.lab("mend", "w-1")

	// A control plane that is taken out of the file and only cannot be reached goes on with the cluster.
	c.write(strings.NewReplacer(nodeBlock("cp-2", "control-plane", "12"), "", nodeBlock("cp-3", "control-plane", "13"), "").Replace(body))
	c.lab("cut", "cp-3")
	c.says(c.run("restore", "-f", file, a, "--yes"), 4, "cp-3", "does not answer", "--gone cp-3")
	c.lab("mend", "cp-3")
	c.says(c.run("restore", "-f", file, a, "--gone", "cp-3", "--yes"), 4, "cp-3", "it answers", "although --gone names it")
	c.write(body)
	if now := c.exec("cp-1", "sh", "-c", "ls -di /proc/$(pgrep -x etcd) && stat -c %Y /var/lib/etcd/member"); now != began {
		t.Errorf("a refused restore touched etcd: %q, now %q", began, now)
	}
	c.becomesReady("cp-1", "cp-2", "cp-3", "w-1")
}
