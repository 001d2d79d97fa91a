//go:build torture

package test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/slipway/slipway/bootstrap"
	"github.com/slipway/slipway/internal/store/storetest"
)

// TestObjectStore lets a control plane put its archives into a real object store beside its own directory, and takes one from there: to
// prove it, and to restore the cluster from it.
func TestObjectStore(t *testing.T) {
	c := newCluster(t, "obj", "10.67.0", "cp-1=11")
	identity, recipient := c.key("identity")
	server := storetest.ServeAt(t, "10.67.0.1")
	file := c.writeSingle(nodeBlock("cp-1", "control-plane", "11", "taints = []") + fmt.Sprintf(`
backup {
  schedule   = "*-*-* *:*:00"
  retain     = 3
  recipients = [%q]
  s3 {
    endpoint    = %q
    bucket      = %q
    prefix      = "lab"
    credentials = %q
    insecure    = true
  }
}
`, recipient, server.Endpoint, server.Name, server.Credentials))
	c.must("apply", "-f", file)
	c.want(0, "plan", "-f", file)
	c.fill(20)
	if mode := c.exec("cp-1", "stat", "-c", "%a", "/etc/slipway/s3-credentials"); strings.TrimSpace(mode) != "600" {
		t.Errorf("the credentials' mode is %s", mode)
	}
	if said := c.exec("cp-1", "sh", "-c", "cat /etc/slipway/backup.json /etc/systemd/system/slipway-backup.*; journalctl --no-pager -u slipway-backup"); strings.Contains(said, server.Secret) {
		t.Error("the object store's secret is where everybody reads")
	}

	kept := map[string]bool{}
	within(t, 4*time.Minute, "an archive in both places", func() bool {
		var list bootstrap.ArchiveList
		decode(t, c.must("etcd", "backups", "-f", file, "-o", "json"), &list)
		for _, a := range list.Archives {
			kept[strings.SplitN(a.Path, "/", 3)[0]] = a.Error == "" // those in object stores are not read whole for a list
		}
		return kept[""] && kept["s3:"]
	})

	how := []string{"--s3-endpoint", server.Endpoint, "--s3-credentials", server.Credentials, "--s3-insecure"}
	const place = "s3://archives/by-hand/"
	c.must(append([]string{"etcd", "backup", "-f", file, "--recipient", recipient, place}, how...)...)
	var list bootstrap.ArchiveList
	decode(t, c.must(append([]string{"etcd", "backups", place, "-o", "json"}, how...)...), &list)
	if len(list.Archives) != 1 || list.Archives[0].Error != "" {
		t.Fatalf("%+v", list)
	}
	archive := list.Archives[0].Path
	said := c.must(append([]string{"etcd", "verify", archive, "--identity", identity, "--bundle", c.bundle()}, how...)...)
	if !strings.Contains(said, "Proven, in") {
		t.Errorf("not proven:\n%s", said)
	}
	c.exec("cp-1", "kubectl", "--kubeconfig", "/etc/kubernetes/admin.conf", "create", "namespace", "later")
	c.must(append([]string{"restore", "-f", file, archive, "--yes"}, how...)...)
	if spaces := c.exec("cp-1", "kubectl", "--kubeconfig", "/etc/kubernetes/admin.conf", "get", "namespaces", "-o", "name"); strings.Contains(spaces, "later") {
		t.Errorf("what came after the archive is still there:\n%s", spaces)
	}
	if left, err := filepath.Glob(filepath.Join(c.dir, ".slipway", "*", "*scratch*")); err != nil || len(left) > 0 {
		t.Errorf("left: %q, %v", left, err)
	}
}
