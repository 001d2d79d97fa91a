//go:build lab

package test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestControlPlanesByHand lets two control planes join at once, and takes them out again.
func TestControlPlanesByHand(t *testing.T) {
	machines := []string{"cp-1", "cp-2", "cp-3", "w-1"}
	planes := machines[:3]
	c := newCluster(t, "cpbyhand", "10.93.0", "cp-1=11", "cp-2=12", "cp-3=13", "w-1=21")
	c.bring(machines...)
	pristine := map[string]string{}
	for _, m := range machines {
		c.putFile(m, "key", "")
		pristine[m] = c.inventory(m)
	}
	c.by("cp-1", 0, "The control plane is up", "init -f /opt/node.hcl --bundle /opt/slipway.bundle")
	join := c.ticket(machines...)
	first := c.exec("cp-1", "sha256sum", "/etc/kubernetes/manifests/etcd.yaml")

	c.putFile("cp-2", "key", strings.Repeat("ab", 32))
	c.by("cp-2", 3, "does not open", join+keyed)
	c.by("cp-2", 3, "needs --certificate-key", join+" --control-plane")
	join = c.ticket(machines...)
	c.by("cp-2", 4, "of this name already", join+keyed+" --node-name cp-1")
	expire := `{"stringData":{"expiration":"2020-01-01T00:00:00Z"}}`
	owner := c.asAdmin("cp-1", "-n", "kube-system", "get", "secret", "slipway-certs", "-o", "jsonpath={.metadata.ownerReferences[0].name}")
	c.asAdmin("cp-1", "-n", "kube-system", "patch", "secret", owner, "-p", expire)
	eventually(t, time.Minute, "the certificates to go with their token", func() error {
		if out := c.asAdmin("cp-1", "-n", "kube-system", "get", "secrets"); strings.Contains(out, "slipway-certs") {
			return fmt.Errorf("secrets:\n%s", out)
		}
		return nil
	})
	c.by("cp-2", 3, "no certificates to hand over", join+keyed)
	if now := c.inventory("cp-2"); now != pristine["cp-2"] {
		t.Fatalf("a refused join changed cp-2:\n%s", diff(pristine["cp-2"], now))
	}

	join = c.ticket(machines...)
	var wg sync.WaitGroup
	said := map[string]string{}
	var mu sync.Mutex
	for _, m := range []string{"cp-2", "cp-3"} {
		wg.Go(func() {
			out := c.said(m, join+keyed)
			mu.Lock()
			said[m] = out
			mu.Unlock()
		})
	}
	wg.Wait()
	waited := 0
	for m, out := range said {
		if !strings.HasSuffix(out, "exit 0\n") {
			t.Fatalf("%s did not join:\n%s", m, out)
		}
		waited += strings.Count(out, "one machine at a time")
	}
	if waited != 1 {
		t.Errorf("%d times one waited for the other, want once:\n%v", waited, said)
	}
	c.by("w-1", 0, "is a node of the cluster", join)
	c.asAdmin("cp-2", "wait", "--for=condition=Ready", "node", "--all", "--timeout=60s")
	c.asAdmin("cp-3", "-n", "kube-system", "wait", "--for=condition=Ready", "pod", "--all", "--timeout=120s")
	if out := c.asAdmin("cp-1", "get", "nodes", "--no-headers"); strings.Count(out, "control-plane") != 3 || strings.Count(out, "\n") != 4 {
		t.Errorf("nodes:\n%s", out)
	}
	for _, m := range planes {
		if n := c.voters(m); n != 3 {
			t.Errorf("%s sees %d voters, want 3", m, n)
		}
	}
	c.by("cp-2", 0, "slipway join 10.93.0.100:6443", "join-command") // as good as on the first
	for _, words := range []string{"healthy", "4/4 nodes ready"} {
		c.by("cp-1", 0, words, "status") // which began alone, and knows the others from the API
	}
	c.by("cp-2", 0, "server: https://10.93.0.100:6443", "kubeconfig")
	c.by("w-1", 3, "this machine is a worker", "status")
	if out := c.asAdmin("cp-3", "-n", "kube-system", "get", "configmap", "slipway", "-o", "yaml"); strings.Count(out, `role    = "control-plane"`) != 3 {
		t.Errorf("the declaration after a token was made:\n%s", out)
	}
	c.by("cp-1", 3, "has other control planes by now", "init -f /opt/node.hcl --bundle /opt/slipway.bundle")
	if now := c.exec("cp-1", "sha256sum", "/etc/kubernetes/manifests/etcd.yaml"); now != first {
		t.Error("members that joined changed the manifest of the first, which restarts it")
	}
	manifests := c.exec("cp-2", "bash", "-c", "sha256sum /etc/kubernetes/manifests/*")
	c.by("cp-2", 0, "is a control plane of the cluster", join+keyed) // again, and nothing restarts
	if now := c.exec("cp-2", "bash", "-c", "sha256sum /etc/kubernetes/manifests/*"); now != manifests || c.voters("cp-2") != 3 {
		t.Errorf("joining again changed what runs:\n%s", diff(manifests, now))
	}
	c.rejoins(machines, pristine)
	holder := c.oneHolder(planes)
	others := []string{}
	for _, m := range planes {
		if m != holder {
			others = append(others, m)
		}
	}
	c.lab("kill", holder)
	c.answers("w-1", 60*time.Second)
	c.oneHolder(others)
	c.lab("start", holder)
	eventually(t, 3*time.Minute, "the machine that was off to come back", func() error {
		if out := c.asAdmin(others[0], "get", "nodes"); strings.Contains(out, "NotReady") {
			return fmt.Errorf("nodes:\n%s", out)
		}
		return nil
	})
	c.oneHolder(planes)

	for i, m := range []string{"cp-3", "cp-2", "w-1", "cp-1"} {
		eventually(t, 2*time.Minute, "etcd whole again", func() error { return c.whole("cp-1") })
		c.by(m, 0, "as it was found", "reset --yes --purge")
		if now := c.inventory(m); now != pristine[m] {
			t.Errorf("%s is not as it was found:\n%s", m, diff(pristine[m], now))
		}
		if i < 2 {
			if n := c.voters("cp-1"); n != 2-i {
				t.Errorf("%s has left, and there are %d voters, want %d", m, n, 2-i)
			}
			c.answers("w-1", 30*time.Second)
			c.oneHolder(planes[:2-i])
		}
	}
}

// rejoins takes the cluster over from the operator's machine, and lets a control plane leave it and join again with
// what slipway made there.
func (c *cluster) rejoins(machines []string, pristine map[string]string) {
	c.t.Helper()
	c.adopted(machines, func(args ...string) string { return c.asAdmin("cp-2", args...) })
	if n := c.voters("cp-1"); n != 3 {
		c.t.Errorf("taken over, there are %d voters, want 3", n)
	}
	c.by("cp-3", 0, "as it was found", "reset --yes --purge")
	if now := c.inventory("cp-3"); now != pristine["cp-3"] {
		c.t.Errorf("cp-3 is not as it was found:\n%s", diff(pristine["cp-3"], now))
	}
	words := strings.Fields(c.must("join-command", "--control-plane", "-f", filepath.Join(c.dir, "cluster.hcl")))
	c.putFile("cp-3", "token", words[4])
	c.putFile("cp-3", "key", words[9])
	join := "join " + words[2] + " --bundle /opt/slipway.bundle --token-file /opt/token --ca-hash " + words[6] + keyed
	c.killedAfter("cp-3", time.Second+rand.N(20*time.Second), join)
	c.answers("cp-1", 30*time.Second)
	c.by("cp-3", 0, "is a control plane of the cluster", join)
	if n := c.voters("cp-1"); n != 3 {
		c.t.Errorf("cp-3 joined again, and there are %d voters, want 3", n)
	}
	c.must("apply", "-f", filepath.Join(c.dir, "cluster.hcl"))
	c.want(0, "plan", "-f", filepath.Join(c.dir, "cluster.hcl"))
}

// oneHolder waits until exactly one of machines holds the endpoint's address. Two never may, nor in the moments after.
func (c *cluster) oneHolder(machines []string) string {
	c.t.Helper()
	var holder string
	eventually(c.t, 30*time.Second, "one holder of the address", func() error {
		held := c.holders(machines...)
		if len(held) > 1 {
			c.t.Fatalf("the address is held by %q", held)
		}
		if len(held) != 1 {
			return fmt.Errorf("held by %q", held)
		}
		holder = held[0]
		return nil
	})
	for range 5 {
		time.Sleep(500 * time.Millisecond)
		if held := c.holders(machines...); len(held) > 1 { // none while it moves
			c.t.Fatalf("the address is held by %q", held)
		}
	}
	return holder
}
