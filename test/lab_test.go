//go:build lab || torture || bench

// Package test drives the real program against real machines: a lab of systemd-nspawn hosts on this one.
package test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"text/template"
)

// newCluster starts a lab of machines and takes it down when the test ends, however it ends.
func newCluster(t *testing.T, name, net string, nodes ...string) *cluster {
	t.Helper()
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	c := &cluster{t: t, name: name, net: net, dir: t.TempDir(), root: root, binary: filepath.Join(root, "bin", "slipway")}
	if _, err := os.Stat(c.binary); err != nil {
		t.Fatalf("%v: run it through make, which builds the program and its bundle", err)
	}
	t.Cleanup(func() { c.must("lab", "down", "--name", name, "--dir", c.labDir()) })
	c.labUp(nodes...)
	return c
}

func (c *cluster) labDir() string { return filepath.Join(c.dir, "lab") }

// labUp starts machines, "cp-1=11" being cp-1 at the subnet's .11. Those that run already stay as they are.
func (c *cluster) labUp(nodes ...string) {
	c.t.Helper()
	var list []string
	for _, n := range nodes {
		name, last, _ := strings.Cut(n, "=")
		list = append(list, name+"="+c.net+"."+last)
	}
	c.must("lab", "up", "--name", c.name, "--dir", c.labDir(), "--subnet", c.net+".0/24",
		"--cache", filepath.Join(c.root, "build", "cache"), "--nodes", strings.Join(list, ","))
}

// lab runs a lab verb on a machine.
func (c *cluster) lab(verb string, args ...string) string {
	c.t.Helper()
	return c.must(append([]string{"lab", verb, "--name", c.name, "--dir", c.labDir()}, args...)...)
}

// exec runs a command on a machine and returns what it printed.
func (c *cluster) exec(machine string, args ...string) string {
	c.t.Helper()
	return c.lab("exec", append([]string{machine, "--"}, args...)...)
}

// write puts the cluster's file in place: header and nodes, as HCL, with NET standing for the subnet.
// The endpoint is the subnet's .100.
func (c *cluster) write(body string) string {
	c.t.Helper()
	return c.writeFile("endpoint = \""+c.net+".100:6443\"", body)
}

// writeSingle is write for a cluster that says nothing of an endpoint.
func (c *cluster) writeSingle(body string) string {
	c.t.Helper()
	return c.writeFile("", body)
}

func (c *cluster) writeFile(endpoint, body string) string {
	c.t.Helper()
	text := template.Must(template.New("").Parse(`
cluster "{{.Name}}" {
  kubernetes = "{{.Kubernetes}}"
  {{.Endpoint}}
  bundle     = "{{.Root}}/build/slipway-{{.Kubernetes}}-amd64.bundle"
}
ssh {
  user        = "root"
  private_key = "{{.Dir}}/lab/id_ed25519"
  known_hosts = "{{.Dir}}/lab/known_hosts"
}
# The machines share one disk, so each sees the whole of what all use, and syncs are slow while others write.
etcd {
  allow_slow_disk = true
}
kubelet {
  eviction_hard = { "memory.available" = "100Mi", "nodefs.available" = "2%", "imagefs.available" = "2%" }
  image_gc_high_threshold_percent = 98
  image_gc_low_threshold_percent  = 97
}
`))
	var out bytes.Buffer
	err := text.Execute(&out, map[string]string{"Name": c.name, "Kubernetes": kubernetesVersion(), "Endpoint": endpoint, "Root": c.root, "Dir": c.dir})
	if err != nil {
		c.t.Fatal(err)
	}
	out.WriteString(strings.ReplaceAll(body, "NET", c.net))
	path := filepath.Join(c.dir, "cluster.hcl")
	if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
		c.t.Fatal(err)
	}
	return path
}

// nodeBlock is a node in HCL, with NET for the subnet.
func nodeBlock(name, role, last string, more ...string) string {
	return fmt.Sprintf("node %q {\n  role = %q\n  address = \"NET.%s\"\n  %s\n}\n", name, role, last, strings.Join(more, "\n  "))
}

// highlyAvailable is three control planes, two workers and a shared address.
func highlyAvailable() string {
	return "load_balancer \"vip\" {}\n" +
		nodeBlock("cp-1", "control-plane", "11") + nodeBlock("cp-2", "control-plane", "12") + nodeBlock("cp-3", "control-plane", "13") +
		nodeBlock("w-1", "worker", "21", `labels = { zone = "a" }`) + nodeBlock("w-2", "worker", "22", `labels = { zone = "b" }`)
}

func highlyAvailableMachines() []string {
	return []string{"cp-1=11", "cp-2=12", "cp-3=13", "w-1=21", "w-2=22"}
}
