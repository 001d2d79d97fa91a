//go:build lab

package test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestByHand lives a cluster's life as people do who go from machine to machine: nothing of Slipway comes over SSH.
func TestByHand(t *testing.T) {
	machines := []string{"cp-1", "w-1", "w-2"}
	c := newCluster(t, "byhand", "10.92.0", "cp-1=11", "w-1=21", "w-2=22")
	c.bring(machines...)
	pristine := map[string]string{}
	for _, m := range machines {
		pristine[m] = c.inventory(m)
	}
	c.by("cp-1", 3, "cannot be read as host and port", "init --endpoint 10.92.0.100:6443:1 --bundle /opt/slipway.bundle")
	printed := c.by("cp-1", 0, "The control plane is up", "init -f /opt/node.hcl --bundle /opt/slipway.bundle")
	c.by("cp-1", 0, "No changes", "init -f /opt/node.hcl --bundle /opt/slipway.bundle")
	c.by("cp-1", 3, "with other settings", "init --endpoint 10.92.0.101:6443 --bundle /opt/slipway.bundle")

	_, printed, _ = strings.Cut(printed, "\n  slipway join ")
	join := strings.Fields(printed)
	endpoint, token, hash := join[0], join[2], join[4]
	arguments := "join " + endpoint + " --bundle /opt/slipway.bundle --token-file /opt/token --ca-hash "
	c.put(token, 0o644, "w-1", "w-2")
	c.by("w-1", 3, "can be read by others", arguments+hash)
	c.put(token, 0o600, "w-1", "w-2")
	c.by("w-1", 3, "has the hash "+hash+", expected sha256:00", arguments+"sha256:00")
	c.by("w-1", 4, "a node of this name already", arguments+hash+" --node-name cp-1")
	c.put("abcdef.0123456789abcdef", 0o600, "w-2")
	c.by("w-2", 3, "knows no token abcdef", arguments+hash)
	c.put(token, 0o600, "w-2")
	for _, m := range []string{"w-1", "w-2"} {
		if now := c.inventory(m); now != pristine[m] {
			t.Fatalf("a refused join changed %s:\n%s", m, diff(pristine[m], now))
		}
		c.by(m, 0, "is a node of the cluster", arguments+hash+" --label zone=a")
	}
	c.by("w-1", 0, "is a node of the cluster", arguments+hash+" --label zone=a") // again
	kubectl := func(args ...string) string {
		return c.exec("cp-1", append([]string{"env", "KUBECACHEDIR=/tmp/kube", "KUBECONFIG=/etc/kubernetes/admin.conf", "kubectl"}, args...)...)
	}
	eventually(t, 2*time.Minute, "the joined kubelets' serving certificates", func() error {
		if out := kubectl("get", "csr"); strings.Contains(out, "Pending") || strings.Count(out, "Approved,Issued") < 4 {
			return fmt.Errorf("requests:\n%s", out)
		}
		return nil
	})
	kubectl("-n", "kube-system", "wait", "--for=condition=Ready", "pod", "--all", "--timeout=120s")
	kubectl("create", "deployment", "web", "--image=slipway.local/pause:v1.0.0", "--replicas=2")
	kubectl("wait", "--for=condition=Available", "deployment/web", "--timeout=120s")
	for _, m := range []string{"w-1", "w-2"} { // through the kubelet, whose serving certificate is checked
		kubectl("get", "--raw", "/api/v1/nodes/"+m+"/proxy/healthz")
	}
	c.by("cp-1", 0, token[:6], "token list")
	c.by("cp-1", 0, "", "token delete "+token[:6])

	c.adopted(machines, kubectl)
	c.by("w-1", 3, "the answer was not", "reset")
	for _, m := range []string{"w-2", "w-1", "cp-1"} {
		c.by(m, 0, "as it was found", "reset --yes --purge")
		if now := c.inventory(m); now != pristine[m] {
			t.Errorf("%s is not as it was found:\n%s", m, diff(pristine[m], now))
		}
		if m != "cp-1" {
			if out := kubectl("get", "nodes"); strings.Contains(out, m) {
				t.Errorf("%s has left, and is still there:\n%s", m, out)
			}
		}
	}
}

// adopted takes the cluster over from the operator's machine, by the file that it exports, and finds all as it was.
func (c *cluster) adopted(machines []string, kubectl func(...string) string) {
	c.t.Helper()
	uids := func() string {
		return kubectl("get", "deployments,services,configmaps,secrets", "-A", "-o", "jsonpath={range .items[*]}{.kind} {.metadata.name} {.metadata.uid}{\"\\n\"}{end}")
	}
	before := uids()
	text := c.exec("cp-1", "/opt/slipway", "export", "--private-key", c.dir+"/lab/id_ed25519", "--known-hosts", c.dir+"/lab/known_hosts")
	file := filepath.Join(c.dir, "cluster.hcl")
	bundle := fmt.Sprintf("{\n  bundle = %q\n", filepath.Join(c.root, "build", "slipway-"+kubernetesVersion()+"-amd64.bundle"))
	if err := os.WriteFile(file, []byte(strings.Replace(text, "{\n", bundle, 1)), 0o600); err != nil {
		c.t.Fatal(err)
	}
	c.must("apply", "-f", file)
	c.want(0, "plan", "-f", file)
	c.becomesReady(machines...)
	after := uids()
	for _, line := range strings.Split(before, "\n") {
		if !strings.Contains(after, line) {
			c.t.Errorf("taken over, the cluster has no longer the object %s", line)
		}
	}
}
