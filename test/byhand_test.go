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

// byHand is a cluster of people who go from machine to machine: nothing of Slipway comes over SSH until it is taken over.
type byHand struct {
	*cluster
	planes, workers []string
	pristine        map[string]string // inventories, by machine
	join            string            // the command without what makes it one for a control plane
	hash            string            // of the cluster's authority
	first           string            // cp-1's etcd manifest, as it was begun
}

// TestByHand lives such a cluster's life: begun, joined by two workers and two control planes, taken over by apply, left and
// joined again, without the holder of its address for a while, and given up machine by machine.
func TestByHand(t *testing.T) {
	b := &byHand{cluster: newCluster(t, "byhand", "10.92.0", "cp-1=11", "cp-2=12", "cp-3=13", "w-1=21", "w-2=22")}
	b.planes, b.workers, b.pristine = []string{"cp-1", "cp-2", "cp-3"}, []string{"w-1", "w-2"}, map[string]string{}
	b.bring(b.all()...)
	for _, m := range b.all() {
		b.putFile(m, "key", "")
		b.pristine[m] = b.inventory(m)
	}
	b.begins()
	b.refusesWorkers()
	b.workersJoin()
	b.refusesControlPlanes()
	b.controlPlanesJoin()
	b.joinsAgain()
	b.adopted(b.all())
	b.rejoins()
	b.losesHolder()
	b.leaves()
}

func (b *byHand) all() []string { return append(append([]string{}, b.planes...), b.workers...) }

// unchanged wants the machine as it was before anything was tried on it.
func (b *byHand) unchanged(machine, after string) {
	b.t.Helper()
	if now := b.inventory(machine); now != b.pristine[machine] {
		b.t.Fatalf("%s changed %s:\n%s", after, machine, diff(b.pristine[machine], now))
	}
}

func (b *byHand) begins() {
	b.by("cp-1", 3, "cannot be read as host and port", "init --endpoint 10.92.0.100:6443:1 --bundle /opt/slipway.bundle")
	printed := b.by("cp-1", 0, "The control plane is up", "init -f /opt/node.hcl --bundle /opt/slipway.bundle")
	b.by("cp-1", 0, "No changes", "init -f /opt/node.hcl --bundle /opt/slipway.bundle")
	b.by("cp-1", 3, "with other settings", "init --endpoint 10.92.0.101:6443 --bundle /opt/slipway.bundle")
	b.first = b.exec("cp-1", "sha256sum", "/etc/kubernetes/manifests/etcd.yaml")

	_, printed, _ = strings.Cut(printed, "\n  slipway join ")
	words := strings.Fields(printed)
	b.join = "join " + words[0] + " --bundle /opt/slipway.bundle --token-file /opt/token --ca-hash "
	b.hash = words[4]
	b.put(words[2], 0o600, b.workers...)
}

func (b *byHand) refusesWorkers() {
	token, err := os.ReadFile(filepath.Join(b.labDir(), "machines", "w-1", "root", "opt", "token"))
	if err != nil {
		b.t.Fatal(err)
	}
	good := strings.TrimSpace(string(token))
	b.put(good, 0o644, "w-1")
	b.by("w-1", 3, "can be read by others", b.join+b.hash)
	b.put(good, 0o600, "w-1")
	b.by("w-1", 3, "has the hash "+b.hash+", expected sha256:00", b.join+"sha256:00")
	b.by("w-1", 4, "a node of this name already", b.join+b.hash+" --node-name cp-1")
	b.put("abcdef.0123456789abcdef", 0o600, "w-2")
	b.by("w-2", 3, "knows no token abcdef", b.join+b.hash)
	b.put(good, 0o600, "w-2")
	for _, m := range b.workers {
		b.unchanged(m, "a refused join")
	}
	b.join += b.hash
}

func (b *byHand) workersJoin() {
	for _, m := range b.workers {
		b.by(m, 0, "is a node of the cluster", b.join+" --label zone=a --taint sold=out:PreferNoSchedule")
	}
	b.by("w-1", 0, "is a node of the cluster", b.join+" --label zone=a --taint sold=out:PreferNoSchedule") // again
	eventually(b.t, 2*time.Minute, "the joined kubelets' serving certificates", func() error {
		if out := b.asAdmin("cp-1", "get", "csr"); strings.Contains(out, "Pending") || strings.Count(out, "Approved,Issued") < 4 {
			return fmt.Errorf("requests:\n%s", out)
		}
		return nil
	})
	if out := b.asAdmin("cp-1", "get", "nodes", "-l", "zone=a", "-o", "jsonpath={.items[*].spec.taints[*].key}"); strings.Count(out, "sold") != 2 {
		b.t.Errorf("taints of the workers: %q", out)
	}
	b.asAdmin("cp-1", "-n", "kube-system", "wait", "--for=condition=Ready", "pod", "--all", "--timeout=120s")
	b.asAdmin("cp-1", "create", "deployment", "web", "--image=slipway.local/pause:v1.0.0", "--replicas=2")
	b.asAdmin("cp-1", "wait", "--for=condition=Available", "deployment/web", "--timeout=120s")
	for _, m := range b.workers { // through the kubelet, whose serving certificate is checked
		b.asAdmin("cp-1", "get", "--raw", "/api/v1/nodes/"+m+"/proxy/healthz")
	}
	id, _, _ := strings.Cut(b.by("cp-1", 0, "printed by slipway init", "token list"), "  printed by")
	id = strings.Fields(id[strings.LastIndex(id, "\n")+1:])[0]
	b.by("cp-1", 0, "", "token delete "+id)
	b.by("w-1", 3, "this machine is a worker", "status")
	b.by("w-1", 3, "the answer was not", "reset")
}

// leaves takes one machine after the other out, the last of which is the cluster's end.
func (b *byHand) leaves() {
	for _, m := range []string{"cp-3", "w-2", "cp-2", "w-1", "cp-1"} {
		eventually(b.t, 2*time.Minute, "etcd whole again", func() error { return b.whole("cp-1") })
		b.by(m, 0, "as it was found", "reset --yes --purge")
		b.unchanged(m, "a reset")
		if m == "cp-1" {
			break
		}
		if out := b.asAdmin("cp-1", "get", "nodes"); strings.Contains(out, m) {
			b.t.Errorf("%s has left, and is still there:\n%s", m, out)
		}
		if left, was := map[string]int{"cp-3": 2, "cp-2": 1}[m]; was {
			if n := b.voters("cp-1"); n != left {
				b.t.Errorf("%s has left, and there are %d voters, want %d", m, n, left)
			}
			b.answers("w-1", 30*time.Second)
			b.oneHolder(b.planes[:left])
		}
	}
}
