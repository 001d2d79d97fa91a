//go:build lab || torture

package test

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// bring puts program, bundle and a node's file into /opt of machines, as people bring them on a stick.
func (c *cluster) bring(machines ...string) {
	c.t.Helper()
	bundle := filepath.Join(c.root, "build", "slipway-"+kubernetesVersion()+"-amd64.bundle")
	file := fmt.Sprintf(`cluster "byhand" {
  kubernetes = %q
  endpoint   = "%s.100:6443"
}
load_balancer "vip" {}
# The machines share one disk, so each sees the whole of what all use.
kubelet {
  eviction_hard = { "memory.available" = "100Mi", "nodefs.available" = "2%%", "imagefs.available" = "2%%" }
  image_gc_high_threshold_percent = 98
  image_gc_low_threshold_percent  = 97
}
node "cp-1" {
  role    = "control-plane"
  address = "%s.11"
}
`, kubernetesVersion(), c.net, c.net)
	for _, m := range machines {
		opt := filepath.Join(c.labDir(), "machines", m, "root", "opt")
		for from, to := range map[string]string{c.binary: "slipway", bundle: "slipway.bundle"} {
			if err := copyFile(from, filepath.Join(opt, to)); err != nil {
				c.t.Fatal(err)
			}
		}
		if err := os.WriteFile(filepath.Join(opt, "node.hcl"), []byte(file), 0o600); err != nil {
			c.t.Fatal(err)
		}
	}
	c.put("", 0o600, machines...)
}

// put puts a token into /opt/token of machines.
func (c *cluster) put(token string, mode os.FileMode, machines ...string) {
	c.t.Helper()
	for _, m := range machines {
		path := filepath.Join(c.labDir(), "machines", m, "root", "opt", "token")
		if err := os.WriteFile(path, []byte(token+"\n"), mode); err != nil {
			c.t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			c.t.Fatal(err)
		}
	}
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o755)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		return err
	}
	return out.Close()
}

// by runs slipway on the machine itself, wants that exit code and those words, and returns what it printed.
func (c *cluster) by(machine string, code int, words, arguments string) string {
	c.t.Helper()
	script := fmt.Sprintf("cd /opt; ./slipway %s </dev/null 2>&1; echo exit $?", arguments)
	out := c.exec(machine, "bash", "-c", script)
	if !strings.HasSuffix(out, fmt.Sprintf("exit %d\n", code)) || !strings.Contains(out, words) {
		c.t.Fatalf("on %s: slipway %s: want exit %d and %q, got\n%s", machine, arguments, code, words, out)
	}
	return out
}

// asAdmin runs kubectl on a machine that has the administrator's kubeconfig.
func (c *cluster) asAdmin(machine string, args ...string) string {
	c.t.Helper()
	return c.exec(machine, append([]string{"env", "KUBECACHEDIR=/tmp/kube", "KUBECONFIG=/etc/kubernetes/admin.conf", "kubectl"}, args...)...)
}

// voters counts etcd's members as that machine's own sees them; every one must vote.
func (c *cluster) voters(machine string) int {
	c.t.Helper()
	out := c.members(machine)
	if strings.Contains(out, "unstarted") || strings.Contains(out, ", true") {
		c.t.Errorf("a member does not vote:\n%s", out)
	}
	return strings.Count(strings.TrimSpace(out), "\n") + 1
}

// members is what etcdctl member list prints there.
func (c *cluster) members(machine string) string {
	c.t.Helper()
	const pki = "/etc/kubernetes/pki/etcd/"
	return c.exec(machine, "etcdctl", "--cacert="+pki+"ca.crt", "--cert="+pki+"healthcheck-client.crt", "--key="+pki+"healthcheck-client.key", "member", "list")
}

// ticket is what slipway join-command prints, put into files of machines; join is the rest of the command.
func (c *cluster) ticket(machines ...string) (join string) {
	c.t.Helper()
	words := strings.Fields(c.by("cp-1", 0, "--certificate-key", "join-command --control-plane"))
	for _, m := range machines {
		c.putFile(m, "token", words[4])
		c.putFile(m, "key", words[9])
	}
	return "join " + words[2] + " --bundle /opt/slipway.bundle --token-file /opt/token --ca-hash " + words[6]
}

func (c *cluster) putFile(machine, name, text string) {
	c.t.Helper()
	path := filepath.Join(c.labDir(), "machines", machine, "root", "opt", name)
	if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
		c.t.Fatal(err)
	}
}

const keyed = " --control-plane --certificate-key-file /opt/key"

// said runs slipway on the machine and returns what it printed and its exit code.
func (c *cluster) said(machine, arguments string) string {
	r := c.run("lab", "exec", "--name", c.name, "--dir", c.labDir(), machine, "--", "bash", "-c", "cd /opt; ./slipway "+arguments+" </dev/null 2>&1; echo exit $?")
	return r.stdout + r.stderr
}

// answers waits until the API answers at the endpoint, asked from a machine, and tells how long that took.
func (c *cluster) answers(machine string, within time.Duration) time.Duration {
	c.t.Helper()
	return eventually(c.t, within, "the API at the endpoint", func() error {
		out := c.exec(machine, "bash", "-c", "curl -sk --max-time 3 https://"+c.net+".100:6443/readyz || true")
		if out != "ok" {
			return fmt.Errorf("it says %q", out)
		}
		return nil
	})
}

// whole is nil when every member of etcd answers.
func (c *cluster) whole(machine string) error {
	const pki = "/etc/kubernetes/pki/etcd/"
	out := c.exec(machine, "bash", "-c", "etcdctl --cacert="+pki+"ca.crt --cert="+pki+"healthcheck-client.crt --key="+pki+"healthcheck-client.key endpoint health --cluster 2>&1 || echo unwell")
	if strings.Contains(out, "unwell") {
		return fmt.Errorf("etcd:\n%s", out)
	}
	return nil
}

// killedAfter runs slipway on the machine and kills it with SIGKILL. What it printed is in the file that is returned.
func (c *cluster) killedAfter(machine string, after time.Duration, arguments string) (log string) {
	c.t.Helper()
	c.exec(machine, "bash", "-c", fmt.Sprintf("cd /opt; timeout -s KILL %.3f ./slipway %s </dev/null >/opt/killed.log 2>&1; true", after.Seconds(), arguments))
	inside := filepath.Join(c.labDir(), "machines", machine, "root", "opt", "killed.log")
	text, err := os.ReadFile(inside)
	if err != nil {
		c.t.Fatal(err)
	}
	if err := os.Remove(inside); err != nil {
		c.t.Fatal(err)
	}
	log = filepath.Join(c.dir, "killed.log")
	if err := os.WriteFile(log, text, 0o600); err != nil {
		c.t.Fatal(err)
	}
	c.t.Logf("%s: killed after %.1f s", machine, after.Seconds())
	return log
}
