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

// TestKubeadmIsTakenOver makes a cluster with kubeadm, uses it, and makes it Slipway's, without losing an object.
func TestKubeadmIsTakenOver(t *testing.T) {
	machines := []string{"cp-1", "w-1"}
	if os.Getenv("KUBEADM_HA") != "" {
		machines = []string{"cp-1", "cp-2", "cp-3", "w-1"}
	}
	payload := kubeadmPayload(t)
	var lab []string
	for _, m := range machines {
		lab = append(lab, m+"="+lastOctet(m))
	}
	c := newCluster(t, "kubeadm", "10.94.0", lab...)
	t.Cleanup(func() { // HOLD
		for t.Failed() {
			if _, err := os.Stat("/tmp/kubeadm/hold"); err != nil {
				return
			}
			time.Sleep(time.Second)
		}
	})
	part := func(name string, do func()) {
		t.Helper()
		start := time.Now()
		do()
		t.Logf("%s: %.1f s", name, time.Since(start).Seconds())
	}
	var backends []string
	for _, m := range machines {
		if strings.HasPrefix(m, "cp-") {
			backends = append(backends, c.at(m)+":6443")
		}
	}
	var endpoint string
	part("install", func() { c.installKubeadm(payload, machines) })
	part("kubeadm", func() {
		endpoint = c.balance(backends...)
		c.kubeadmCluster(machines, endpoint)
		c.upstreamFlannel(machines, endpoint)
	})
	part("ready", func() {
		c.kubectl("wait", "--for=condition=Ready", "node", "--all", "--timeout=120s")
		c.kubectl("-n", "kube-system", "wait", "--for=condition=Ready", "pod", "--all", "--timeout=120s")
	})
	part("use", func() { c.useCluster() })
	file := filepath.Join(c.dir, "cluster.hcl")
	part("export", func() { c.exportKubeadm(file) })
	before := c.everyObject(c.adminClient())
	part("refused without the flag", func() {
		if out := c.want(4, "plan", "-f", file); !strings.Contains(out, "--take-over") {
			t.Fatalf("the refusal does not tell how:\n%s", out)
		}
	})
	part("plan", func() { t.Log(c.want(2, "plan", "-f", file, "--take-over")) })
	part("apply", func() { t.Log(c.must("apply", "-f", file, "--take-over")) })
	part("plan again", func() { c.want(0, "plan", "-f", file) })
	c.becomesReady(machines...)
	c.sameObjects(before, c.everyObject(c.adminClient()))
}

// exportKubeadm writes the cluster's file from the operator's machine, by the administrator's kubeconfig.
func (c *cluster) exportKubeadm(file string) {
	c.t.Helper()
	admin := filepath.Join(c.dir, "admin.conf")
	if err := os.WriteFile(admin, []byte(c.exec("cp-1", "cat", "/etc/kubernetes/admin.conf")), 0o600); err != nil {
		c.t.Fatal(err)
	}
	text := c.must("export", "--kubeconfig", admin, "--private-key", c.dir+"/lab/id_ed25519", "--known-hosts", c.dir+"/lab/known_hosts")
	c.t.Log(text)
	bundle := fmt.Sprintf("{\n  bundle = %q\n", filepath.Join(c.root, "build", "slipway-"+kubernetesVersion()+"-amd64.bundle"))
	if err := os.WriteFile(file, []byte(strings.Replace(text, "{\n", bundle, 1)), 0o600); err != nil {
		c.t.Fatal(err)
	}
}
