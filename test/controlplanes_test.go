//go:build lab

package test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

func (b *byHand) refusesControlPlanes() {
	join := b.ticket(b.planes...)
	b.putFile("cp-2", "key", strings.Repeat("ab", 32))
	b.by("cp-2", 3, "does not open", join+keyed)
	b.by("cp-2", 3, "needs --certificate-key", join+" --control-plane")
	join = b.ticket(b.planes...)
	b.by("cp-2", 4, "of this name already", join+keyed+" --node-name cp-1")
	expire := `{"stringData":{"expiration":"2020-01-01T00:00:00Z"}}`
	owner := b.asAdmin("cp-1", "-n", "kube-system", "get", "secret", "slipway-certs", "-o", "jsonpath={.metadata.ownerReferences[0].name}")
	b.asAdmin("cp-1", "-n", "kube-system", "patch", "secret", owner, "-p", expire)
	eventually(b.t, time.Minute, "the certificates to go with their token", func() error {
		if out := b.asAdmin("cp-1", "-n", "kube-system", "get", "secrets"); strings.Contains(out, "slipway-certs") {
			return fmt.Errorf("secrets:\n%s", out)
		}
		return nil
	})
	b.by("cp-2", 3, "no certificates to hand over", join+keyed)
	b.unchanged("cp-2", "a refused join")
}

// controlPlanesJoin lets both join at once: one waits for the other.
func (b *byHand) controlPlanesJoin() {
	join := b.ticket(b.planes...)
	var wg sync.WaitGroup
	said := map[string]string{}
	var mu sync.Mutex
	for _, m := range []string{"cp-2", "cp-3"} {
		wg.Go(func() {
			out := b.said(m, join+keyed)
			mu.Lock()
			said[m] = out
			mu.Unlock()
		})
	}
	wg.Wait()
	waited := 0
	for m, out := range said {
		if !strings.HasSuffix(out, "exit 0\n") {
			b.t.Fatalf("%s did not join:\n%s", m, out)
		}
		waited += strings.Count(out, "one machine at a time")
	}
	if waited != 1 {
		b.t.Errorf("%d times one waited for the other, want once:\n%v", waited, said)
	}
	b.asAdmin("cp-2", "wait", "--for=condition=Ready", "node", "--all", "--timeout=60s")
	b.asAdmin("cp-3", "-n", "kube-system", "wait", "--for=condition=Ready", "pod", "--all", "--timeout=120s")
	if out := b.asAdmin("cp-1", "get", "nodes", "--no-headers"); strings.Count(out, "control-plane") != 3 || strings.Count(out, "\n") != 5 {
		b.t.Errorf("nodes:\n%s", out)
	}
	for _, m := range b.planes {
		if n := b.voters(m); n != 3 {
			b.t.Errorf("%s sees %d voters, want 3", m, n)
		}
	}
	for _, words := range []string{"healthy", "5/5 nodes ready"} {
		b.by("cp-1", 0, words, "status") // which began alone, and knows the others from the API
	}
	b.by("cp-2", 0, "server: https://10.92.0.100:6443", "kubeconfig")
}

// joinsAgain wants every control plane as good as the first, and nothing restarted by what is done again.
func (b *byHand) joinsAgain() {
	join := b.ticket(b.planes...)
	b.by("cp-2", 0, "slipway join 10.92.0.100:6443", "join-command")
	if out := b.asAdmin("cp-3", "-n", "kube-system", "get", "configmap", "slipway", "-o", "yaml"); strings.Count(out, `role    = "control-plane"`) != 3 {
		b.t.Errorf("the declaration after a token was made:\n%s", out)
	}
	b.by("cp-1", 3, "has other control planes by now", "init -f /opt/node.hcl --bundle /opt/slipway.bundle")
	if now := b.exec("cp-1", "sha256sum", "/etc/kubernetes/manifests/etcd.yaml"); now != b.first {
		b.t.Error("members that joined changed the manifest of the first, which restarts it")
	}
	manifests := b.exec("cp-2", "bash", "-c", "sha256sum /etc/kubernetes/manifests/*")
	b.by("cp-2", 0, "is a control plane of the cluster", join+keyed)
	if now := b.exec("cp-2", "bash", "-c", "sha256sum /etc/kubernetes/manifests/*"); now != manifests || b.voters("cp-2") != 3 {
		b.t.Errorf("joining again changed what runs:\n%s", diff(manifests, now))
	}
}

// rejoins lets a control plane leave the cluster, which was taken over by now, and join it again with what slipway makes on the
// operator's machine; its first try is killed.
func (b *byHand) rejoins() {
	b.by("cp-3", 0, "as it was found", "reset --yes --purge")
	b.unchanged("cp-3", "a reset")
	file := filepath.Join(b.dir, "cluster.hcl")
	words := strings.Fields(b.must("join-command", "--control-plane", "-f", file))
	b.putFile("cp-3", "token", words[4])
	b.putFile("cp-3", "key", words[9])
	join := "join " + words[2] + " --bundle /opt/slipway.bundle --token-file /opt/token --ca-hash " + words[6] + keyed
	b.killedAfter("cp-3", time.Second+rand.N(20*time.Second), join)
	b.answers("cp-1", 30*time.Second)
	b.by("cp-3", 0, "is a control plane of the cluster", join)
	if n := b.voters("cp-1"); n != 3 {
		b.t.Errorf("cp-3 joined again, and there are %d voters, want 3", n)
	}
	b.must("apply", "-f", file)
	b.want(0, "plan", "-f", file)
}

// losesHolder switches off the machine that holds the endpoint's address, and on again.
func (b *byHand) losesHolder() {
	holder := b.oneHolder(b.planes)
	others := []string{}
	for _, m := range b.planes {
		if m != holder {
			others = append(others, m)
		}
	}
	b.lab("kill", holder)
	b.answers("w-1", 60*time.Second)
	b.oneHolder(others)
	b.lab("start", holder)
	eventually(b.t, 3*time.Minute, "the machine that was off to come back", func() error {
		if out := b.asAdmin(others[0], "get", "nodes"); strings.Contains(out, "NotReady") {
			return fmt.Errorf("nodes:\n%s", out)
		}
		return nil
	})
	b.oneHolder(b.planes)
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
