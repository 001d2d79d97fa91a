//go:build lab

package test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestHighlyAvailableCluster lives one life of a cluster: born, used, disturbed, changed, taken away.
// A part that fails does not end it: the others say more.
func TestHighlyAvailableCluster(t *testing.T) {
	c := newCluster(t, "ha", "10.81.0", highlyAvailableMachines()...)
	file := c.write(highlyAvailable())
	all := []string{"cp-1", "cp-2", "cp-3", "w-1", "w-2"}
	before := map[string]string{}
	for _, m := range all {
		before[m] = c.inventory(m)
	}
	part := func(name string, do func(t *testing.T)) {
		t.Helper()
		t.Run(name, func(t *testing.T) { c.t = t; do(t) })
		c.t = t
	}
	part("plan of bare machines shows everything", func(t *testing.T) {
		out := c.want(2, "plan", "-f", file)
		for _, m := range all {
			if !strings.Contains(out, m) {
				t.Errorf("plan does not speak of %s:\n%s", m, out)
			}
		}
	})
	part("apply", func(t *testing.T) {
		c.must("apply", "-f", file)
		c.becomesReady(all...)
	})
	part("a second apply changes nothing", func(t *testing.T) {
		c.want(0, "plan", "-f", file)
		started := c.exec("cp-1", "systemctl", "show", "-p", "ActiveEnterTimestamp", "kubelet", "containerd")
		c.must("apply", "-f", file)
		if now := c.exec("cp-1", "systemctl", "show", "-p", "ActiveEnterTimestamp", "kubelet", "containerd"); now != started {
			t.Errorf("units were restarted:\n%s%s", started, now)
		}
	})
	part("status is healthy", func(t *testing.T) { c.becomesHealthy(file) })
	part("services answer", func(t *testing.T) { c.servicesAnswer(all) })
	part("drift is shown and mended", func(t *testing.T) { c.driftIsMended(file) })
	part("a stored plan is done, or refused", func(t *testing.T) { c.storedPlan(file) })
	part("a setting goes round node by node", func(t *testing.T) { c.settingGoesRound(file) })
	part("a setting that cannot work is put back", func(t *testing.T) { c.settingIsPutBack(file) })
	part("secrets are sealed and strangers kept out", func(t *testing.T) { c.hardened() })
	part("the holder of the address loses power", func(t *testing.T) { c.holderDies(all) })
	part("an API server hangs", func(t *testing.T) { c.serverHangs() })
	part("a lost state directory is rebuilt", func(t *testing.T) { c.stateIsRebuilt(file) })
	part("a worker comes and goes", func(t *testing.T) { c.workerComesAndGoes(file, all) })
	part("destroy leaves the machines as they were found", func(t *testing.T) {
		c.must("destroy", "-f", file, "--yes", "--purge")
		for _, m := range all {
			if after := c.inventory(m); after != before[m] {
				t.Errorf("%s differs:\n%s", m, diff(before[m], after))
			}
		}
	})
}

// driftIsMended breaks one thing of each kind on a worker and a control plane.
func (c *cluster) driftIsMended(file string) {
	t := c.t
	c.exec("w-1", "sh", "-c", "sysctl -q -w net.ipv4.ip_forward=0; systemctl stop kubelet; ctr -n k8s.io images rm $(ctr -n k8s.io images ls -q | grep coredns) >/dev/null; chmod 600 /etc/containerd/config.toml")
	c.exec("cp-2", "sh", "-c", "sed -i s/audit-log-maxage=30/audit-log-maxage=31/ /etc/kubernetes/manifests/kube-apiserver.yaml")
	out := c.want(2, "plan", "-f", file, "--full")
	for _, want := range []string{"net.ipv4.ip_forward", "kubelet.service", "coredns", "/etc/containerd/config.toml", "audit-log-maxage=31"} {
		if !strings.Contains(out, want) {
			t.Errorf("plan does not speak of %s:\n%s", want, out)
		}
	}
	started := c.exec("cp-1", "systemctl", "show", "-p", "ActiveEnterTimestamp", "kubelet", "containerd")
	c.must("apply", "-f", file)
	c.want(0, "plan", "-f", file)
	if now := c.exec("cp-1", "systemctl", "show", "-p", "ActiveEnterTimestamp", "kubelet", "containerd"); now != started {
		t.Errorf("units of a machine without drift were restarted")
	}
}

// storedPlan plans a change, applies just that, and has it refused the second time.
func (c *cluster) storedPlan(file string) {
	t := c.t
	stored := filepath.Join(c.dir, "stored.plan")
	c.exec("w-2", "rm", "/usr/local/bin/kubectl")
	c.want(2, "plan", "-f", file, "--out", stored)
	c.must("apply", stored)
	if out := c.want(1, "apply", stored); !strings.Contains(out, "w-2 has changed since the plan was made") {
		t.Errorf("a stale plan is refused without saying why:\n%s", out)
	}
}

// hardened checks what must not be possible on a control plane.
func (c *cluster) hardened() {
	t := c.t
	ctx := context.Background()
	if _, err := c.client().CoreV1().ServiceAccounts("default").Get(ctx, "default", metav1.GetOptions{}); err != nil {
		t.Fatal(err)
	}
	c.exec("cp-1", "kubectl", "--kubeconfig", "/etc/kubernetes/admin.conf", "create", "secret", "generic", "sealed", "--from-literal=word=marzipan")
	raw := c.exec("cp-1", "sh", "-c", "etcdctl --endpoints https://127.0.0.1:2379 --cacert /etc/kubernetes/pki/etcd/ca.crt --cert /etc/kubernetes/pki/etcd/healthcheck-client.crt --key /etc/kubernetes/pki/etcd/healthcheck-client.key get /registry/secrets/default/sealed | tr -cd '[:print:]'")
	if strings.Contains(raw, "marzipan") || !strings.Contains(raw, "secretbox") {
		t.Errorf("the Secret lies in etcd unsealed:\n%s", raw)
	}
	for path, want := range map[string]string{"/readyz": "200", "/api": "401", "/version": "401"} {
		// On a busy machine a server may say of itself for a moment that it is not ready.
		eventually(t, time.Minute, "a stranger asking for "+path, func() error {
			if got := c.exec("w-1", "curl", "-sk", "-o", "/dev/null", "-w", "%{http_code}", "https://"+c.net+".11:6443"+path); got != want {
				return fmt.Errorf("gets %s, want %s", got, want)
			}
			return nil
		})
	}
	if got := c.exec("w-1", "curl", "-sk", "-o", "/dev/null", "-w", "%{http_code}", "https://"+c.net+".11:10250/pods"); got != "401" {
		t.Errorf("a stranger asking a kubelet for its pods gets %s", got)
	}
	if got := c.exec("cp-1", "stat", "-c", "%a", "/var/lib/etcd"); strings.TrimSpace(got) != "700" {
		t.Errorf("etcd's directory has mode %s", got)
	}
}

// holderDies cuts the power of the machine that holds the shared address.
func (c *cluster) holderDies(all []string) {
	t := c.t
	cps := []string{"cp-1", "cp-2", "cp-3"}
	holders := c.holders(cps...)
	if len(holders) != 1 {
		t.Fatalf("holders of the address: %v", holders)
	}
	client := c.freshly()
	stop := make(chan struct{})
	outage := c.outage(client, stop)
	c.lab("kill", holders[0])
	time.Sleep(20 * time.Second)
	close(stop)
	gap := <-outage
	t.Logf("the longest time without an answer through the shared address after the power cut was %.1f s", gap.Seconds())
	if gap > 15*time.Second {
		t.Errorf("no answer through the shared address for %s", gap)
	}
	rest := slices.DeleteFunc(slices.Clone(cps), func(m string) bool { return m == holders[0] })
	if now := c.holders(rest...); len(now) != 1 {
		t.Errorf("holders after the power cut: %v", now)
	}
	c.lab("start", holders[0])
	eventually(t, 4*time.Minute, "the machine back in the cluster by itself", func() error { return allReady(c.client(), all...) })
	if now := c.holders(cps...); len(now) != 1 {
		t.Errorf("holders after power came back: %v", now)
	}
	c.becomesHealthy(filepath.Join(c.dir, "cluster.hcl")) // three voters among the rest
}

// serverHangs stops one API server's process, so that it accepts connections and never answers.
func (c *cluster) serverHangs() {
	t := c.t
	client := c.freshly()
	c.exec("cp-2", "pkill", "-STOP", "-f", "^kube-apiserver")
	start := time.Now()
	last := start // failed request
	for time.Since(start) < 12*time.Second || time.Since(last) < 5*time.Second {
		if time.Since(start) > time.Minute {
			t.Error("requests through the shared address still fail a minute after the server hung")
			break
		}
		if _, err := client.CoreV1().Namespaces().Get(context.Background(), "default", metav1.GetOptions{}); err != nil {
			last = time.Now()
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Logf("the last failed request was %.1f s after the API server hung", last.Sub(start).Seconds())
	c.exec("cp-2", "pkill", "-CONT", "-f", "^kube-apiserver")
	eventually(t, 2*time.Minute, "the server taken back", func() error {
		out := c.exec("cp-2", "sh", "-c", "curl -sk -o /dev/null -w '%{http_code}' https://"+c.net+".12:6443/readyz || true")
		if out != "200" {
			return fmt.Errorf("readyz: %s", out)
		}
		return nil
	})
}

// stateIsRebuilt loses the operator's directory and goes on with the same cluster.
func (c *cluster) stateIsRebuilt(file string) {
	t := c.t
	hash := func() string {
		text, err := os.ReadFile(c.kubeconfig())
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("%x", sha256.Sum256(text))
	}
	before := hash()
	state, err := filepath.Glob(filepath.Join(c.dir, ".slipway", "*"))
	if err != nil || len(state) != 1 {
		t.Fatalf("state directories: %v, %v", state, err)
	}
	if err := os.Rename(state[0], filepath.Join(c.dir, "lost")); err != nil {
		t.Fatal(err)
	}
	c.want(0, "plan", "-f", file)
	if after := hash(); after != before {
		t.Error("the kubeconfig is another after the state directory was rebuilt")
	}
}

// workerComesAndGoes adds a machine to the file and takes it out again.
func (c *cluster) workerComesAndGoes(file string, all []string) {
	t := c.t
	c.labUp(append(highlyAvailableMachines(), "w-3=23")...)
	before := c.inventory("w-3")
	c.write(highlyAvailable() + nodeBlock("w-3", "worker", "23"))
	started := c.exec("w-1", "systemctl", "show", "-p", "ActiveEnterTimestamp", "kubelet", "containerd")
	c.must("apply", "-f", file)
	c.becomesReady(append(slices.Clone(all), "w-3")...)
	if now := c.exec("w-1", "systemctl", "show", "-p", "ActiveEnterTimestamp", "kubelet", "containerd"); now != started {
		t.Error("adding a worker restarted another's units")
	}
	c.write(highlyAvailable())
	c.must("apply", "-f", file)
	c.becomesReady(all...)
	if after := c.inventory("w-3"); after != before {
		t.Errorf("the removed worker differs from how it was found:\n%s", diff(before, after))
	}
}
