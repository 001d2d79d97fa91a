//go:build torture

package test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"filippo.io/age"

	"github.com/slipway/slipway/internal/archive"
	"github.com/slipway/slipway/internal/spec"
	"github.com/slipway/slipway/pki"
)

// archive makes an archive and the identity that opens it, of what the machines have: etcd's own tool and the files of cp-1.
func (c *cluster) archive() (path, identity string) {
	t := c.t
	t.Helper()
	certs := "--cacert=/etc/kubernetes/pki/etcd/ca.crt --cert=/etc/kubernetes/pki/etcd/healthcheck-client.crt --key=/etc/kubernetes/pki/etcd/healthcheck-client.key"
	var status struct {
		Revision int64 `json:"revision"`
	}
	text := c.exec("cp-1", "sh", "-c", "etcdctl "+certs+" snapshot save /tmp/s.db >/dev/null 2>&1; etcdutl snapshot status /tmp/s.db -w json")
	if err := json.Unmarshal([]byte(text), &status); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	raw, err := exec.Command(c.binary, "lab", "exec", "--name", c.name, "--dir", c.labDir(), "cp-1", "--", "sh", "-c", "cat /tmp/s.db && rm /tmp/s.db").Output()
	if err != nil {
		t.Fatalf("snapshot: %v", err)
	}
	dir := t.TempDir()
	snapshot := filepath.Join(dir, "snapshot.db")
	if err := os.WriteFile(snapshot, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	secrets := map[string][]byte{}
	for _, p := range pki.RecoverPaths(spec.ControlPlane) {
		out, err := exec.Command(c.binary, "lab", "exec", "--name", c.name, "--dir", c.labDir(), "cp-1", "--", "cat", p).Output()
		if err == nil {
			secrets[p] = out
		}
	}
	key, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	recipient, err := archive.ParseRecipient(key.Recipient().String())
	if err != nil {
		t.Fatal(err)
	}
	identity, path = filepath.Join(dir, "key.txt"), filepath.Join(dir, "res.slipway")
	if err := os.WriteFile(identity, []byte(key.String()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var members []archive.Member
	for i := range 3 {
		members = append(members, archive.Member{Name: fmt.Sprintf("cp-%d", i+1), Peer: fmt.Sprintf("https://%s.1%d:2380", c.net, i+1)})
	}
	declared, err := spec.Read(filepath.Join(c.dir, "cluster.hcl"), spec.LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	set, err := pki.Rebuild(map[string]map[string][]byte{"cp-1": secrets})
	if err != nil {
		t.Fatal(err)
	}
	_, err = archive.Create(path, archive.Contents{
		Manifest: archive.Manifest{
			Taken: time.Now(), Cluster: archive.Cluster{Name: c.name, ID: set.ClusterID()}, Node: "cp-1",
			Versions: archive.Versions{Kubernetes: kubernetesVersion(), Etcd: "3.6.16"}, Etcd: archive.Etcd{Revision: status.Revision, Members: members},
		},
		Spec: spec.Write(declared), Secrets: secrets, Snapshot: snapshot, Recipients: []archive.Recipient{recipient},
	})
	if err != nil {
		t.Fatal(err)
	}
	return path, identity
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
