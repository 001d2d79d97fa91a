//go:build torture

package test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/slipway/slipway/internal/archive"
	"github.com/slipway/slipway/internal/proof"
)

// TestBackup makes archives of a cluster, over SSH and on the machine itself, and proves them; damaged and foreign ones, and the
// wrong key, are refused.
func TestBackup(t *testing.T) {
	c := newCluster(t, "arc", "10.63.0", "cp-1=11")
	file := c.writeSingle(nodeBlock("cp-1", "control-plane", "11", "taints = []"))
	c.must("apply", "-f", file)
	c.fill(100)

	identity, recipient := c.key("identity")
	out := filepath.Join(c.dir, "archives")
	if err := os.Mkdir(out, 0o700); err != nil {
		t.Fatal(err)
	}
	var made struct {
		Path     string
		Deleted  []string
		Manifest archive.Manifest
	}
	decode(t, c.must("etcd", "backup", "-f", file, "--recipient", recipient, "-o", "json", out), &made)
	if info, err := os.Stat(made.Path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%s: %v, %v", made.Path, info, err)
	}

	var report proof.Report
	decode(t, c.must("etcd", "verify", made.Path, "--identity", identity, "--bundle", c.bundle(), "-o", "json"), &report)
	t.Logf("proven in %.1f s: %d keys, %d objects, Secrets %+v, %d bytes", report.Seconds, report.Keys, report.Objects, *report.Secrets, report.Bytes)
	if !report.Proven || len(report.Open) > 0 || report.Secrets.Objects < 100 || report.Secrets.Sealed != report.Secrets.Objects {
		t.Errorf("%+v", report)
	}
	counts := map[string]int{}
	for _, r := range report.Resources {
		counts[r.Resource] = r.Objects
	}
	if counts["configmaps"] < 100 || counts["nodes"] != 1 || counts["secrets"] != report.Secrets.Objects {
		t.Errorf("%v", counts)
	}
	t.Log(c.must("etcd", "verify", made.Path, "--identity", identity, "--bundle", c.bundle()))

	c.refuses(made.Path, identity)
	c.leavesNothing()

	// What is there is not replaced by mistake, and the oldest go where so many are wanted.
	c.want(3, "etcd", "backup", "-f", file, "--recipient", recipient, made.Path)
	first := made.Path
	time.Sleep(time.Second) // archives are named by the second
	decode(t, c.must("etcd", "backup", "-f", file, "--recipient", recipient, "--keep", "1", "-o", "json", out), &made)
	if len(made.Deleted) != 1 || made.Deleted[0] != first {
		t.Errorf("deleted %q, want %s", made.Deleted, first)
	}

	// With its only control plane off there is no backup, and nothing in the folder that looks like one.
	c.lab("kill", "cp-1")
	c.want(4, "etcd", "backup", "-f", file, "--recipient", recipient, out)
	if left, err := os.ReadDir(out); err != nil || len(left) != 1 {
		t.Errorf("%v, %v", left, err)
	}
	decode(t, c.must("etcd", "verify", made.Path, "--identity", identity, "--bundle", c.bundle(), "-o", "json"), &report)
	if !report.Proven {
		t.Errorf("%+v", report.Open)
	}
}

func (c *cluster) bundle() string {
	return filepath.Join(c.root, "build", "slipway-"+kubernetesVersion()+"-amd64.bundle")
}

func decode(t *testing.T, text string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), into); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
}

// fill makes that many ConfigMaps and as many Secrets.
func (c *cluster) fill(n int) {
	c.t.Helper()
	core := c.client().CoreV1()
	for i := range n {
		meta := metav1.ObjectMeta{Name: fmt.Sprintf("filler-%d", i), Namespace: "default"}
		if _, err := core.ConfigMaps("default").Create(context.Background(), &corev1.ConfigMap{ObjectMeta: meta, Data: map[string]string{"n": fmt.Sprint(i)}}, metav1.CreateOptions{}); err != nil {
			c.t.Fatal(err)
		}
		if _, err := core.Secrets("default").Create(context.Background(), &corev1.Secret{ObjectMeta: meta, StringData: map[string]string{"n": fmt.Sprint("hidden", i)}}, metav1.CreateOptions{}); err != nil {
			c.t.Fatal(err)
		}
	}
}

// key writes an age identity to a file, and returns its path and its recipient.
func (c *cluster) key(name string) (path, recipient string) {
	c.t.Helper()
	key, err := age.GenerateX25519Identity()
	if err != nil {
		c.t.Fatal(err)
	}
	path = filepath.Join(c.dir, name)
	if err := os.WriteFile(path, []byte(key.String()+"\n"), 0o600); err != nil {
		c.t.Fatal(err)
	}
	return path, key.Recipient().String()
}

// refuses tries the archive without a key, with the wrong one, damaged, and cut off.
func (c *cluster) refuses(path, identity string) {
	c.t.Helper()
	wants := func(code int, want string, args ...string) {
		c.t.Helper()
		if said := c.want(code, append([]string{"etcd", "verify", "--bundle", c.bundle()}, args...)...); !strings.Contains(said, want) {
			c.t.Errorf("%q does not say %q:\n%s", args, want, said)
		}
	}
	wants(2, "Not proven: that its keys can be read: no identity was given", path)
	wants(2, "Secrets can be read: they are encrypted", path)
	other, _ := c.key("other")
	wants(1, "the identity that was given is none of them", path, "--identity", other)

	whole, err := os.ReadFile(path)
	if err != nil {
		c.t.Fatal(err)
	}
	if bytes.Contains(whole, []byte("PRIVATE KEY")) {
		c.t.Error("a private key stands in the clear")
	}
	bad := filepath.Join(c.dir, "bad.slipway")
	damaged := bytes.Clone(whole)
	damaged[len(damaged)/2] ^= 1
	for want, content := range map[string][]byte{"it is damaged": damaged, "it is cut off": whole[:len(whole)-512]} {
		if err := os.WriteFile(bad, content, 0o600); err != nil {
			c.t.Fatal(err)
		}
		wants(1, want, bad, "--identity", identity)
	}
}

// leavesNothing: neither folders nor programs of a proof outlive it.
func (c *cluster) leavesNothing() {
	c.t.Helper()
	left, err := filepath.Glob(filepath.Join(os.TempDir(), "slipway-verify-*"))
	if err != nil || len(left) > 0 {
		c.t.Errorf("%v is left, %v", left, err)
	}
}
