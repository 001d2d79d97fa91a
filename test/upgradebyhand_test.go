//go:build torture

package test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const next, found = "--bundle /opt/next.bundle", "/opt/slipway-1.36.3-amd64.bundle"

// TestUpgradeByHand takes a cluster of people who go from machine to machine to the next version, with the mistakes that they make on
// the way, and a run that is killed; then an operator takes it over, and finds nothing to change.
func TestUpgradeByHand(t *testing.T) {
	t.Setenv("KUBERNETES", "1.35.4")
	c := newCluster(t, "handup", "10.91.0", "cp-1=11", "cp-2=12", "cp-3=13", "w-1=21", "w-2=22")
	planes, all := []string{"cp-1", "cp-2", "cp-3"}, []string{"cp-1", "cp-2", "cp-3", "w-1", "w-2"}
	c.bring(all...)
	for _, m := range all {
		if err := copyFile(filepath.Join(c.root, "build", "slipway-1.36.3-amd64.bundle"), filepath.Join(c.labDir(), "machines", m, "root", "opt", "next.bundle")); err != nil {
			t.Fatal(err)
		}
		c.appendFile(m, "node.hcl", "upgrade { drain_timeout = \"20s\" }\n")
	}
	c.beganByHand(planes)
	stop := c.polls("w-1")
	c.refusesToUpgrade(planes)
	for _, m := range all { // under its own name it is found
		c.exec(m, "mv", "/opt/next.bundle", found)
	}
	c.t.Log(c.by("cp-1", 2, found, "upgrade plan"))
	c.putBackByHand()
	c.upgradesPlanes(planes)
	c.upgradesWorker()
	c.t.Log(c.by("cp-3", 0, "on every machine", "upgrade finish"))
	c.by("cp-3", 0, "No changes", "upgrade finish")
	c.by("cp-1", 0, "the newest that this slipway knows", "upgrade plan")
	asked, failed, longest := stop()
	t.Logf("the API through the shared address: %d requests, %d failed, at most %s in a row", asked, failed, longest)
	c.upgradedByHand(append(planes, "w-1"))

	c.by("w-2", 0, "is a node of the cluster", c.ticket("w-2")+" --bundle "+found) // the last --bundle counts
	eventually(t, time.Minute, "all healthy", func() error {
		if out := c.said("cp-1", "status"); !strings.HasSuffix(out, "exit 0\n") {
			return fmt.Errorf("%s", out)
		}
		return nil
	})
	t.Setenv("KUBERNETES", "1.36.3")
	c.adopted(all)
	c.by("cp-2", 3, "slipway apply looks after this cluster", "upgrade plan")
	c.by("w-1", 3, "slipway apply looks after this", "upgrade node")
}

// beganByHand makes a cluster of three control planes and a worker, with something in it.
func (c *cluster) beganByHand(planes []string) {
	c.t.Helper()
	c.by("cp-1", 0, "The control plane is up", "init -f /opt/node.hcl --bundle /opt/slipway.bundle")
	join := c.ticket("cp-2", "cp-3", "w-1")
	for _, m := range planes[1:] {
		c.by(m, 0, "is a control plane of the cluster", join+keyed)
	}
	c.by("w-1", 0, "is a node of the cluster", join)
	c.asAdmin("cp-1", "create", "deployment", "web", "--image=slipway.local/pause:v1.0.0", "--replicas=4")
	c.asAdmin("cp-1", "wait", "--for=condition=Available", "deployment/web", "--timeout=120s")
	c.asAdmin("cp-1", "create", "configmap", "kept", "--from-literal=a=b")
	c.asAdmin("cp-1", "-n", "kube-system", "wait", "--for=condition=Ready", "pod", "--all", "--timeout=120s")
}

// refusesToUpgrade wants a clear word for each mistake, and nothing changed by any.
func (c *cluster) refusesToUpgrade(planes []string) {
	c.t.Helper()
	runs := func() (out string) {
		for _, m := range planes {
			out += c.exec(m, "bash", "-c", "sha256sum /etc/kubernetes/manifests/* /var/lib/slipway/cluster/cluster.hcl; ls /var/lib/slipway/cluster/state")
		}
		return out + c.asAdmin("cp-1", "-n", "kube-system", "get", "configmap", "slipway", "-o", "jsonpath={.data}")
	}
	before := runs()
	c.t.Log(c.by("cp-1", 2, "slipway upgrade plan 1.36.3", "upgrade plan"))
	c.t.Log(c.by("cp-2", 2, "slipway upgrade node", "upgrade plan 1.36.3 "+next))
	c.by("cp-1", 3, "does not go back", "upgrade apply 1.34.4 "+next)
	c.by("cp-1", 3, "no Kubernetes 1.36.9 in this slipway", "upgrade plan 1.36.9")
	c.by("cp-1", 1, "is for Kubernetes 1.35.4", "upgrade apply 1.36.3 --bundle /opt/slipway.bundle")
	c.by("cp-1", 1, "no bundle for Kubernetes 1.36.3", "upgrade apply 1.36.3")
	c.by("cp-2", 0, "no change of version is under way", "upgrade node "+next)
	c.by("w-1", 0, "no change of version is under way", "upgrade node "+next)
	c.by("w-1", 3, "this machine is a worker", "upgrade apply 1.36.3 "+next)
	c.by("w-2", 3, "in no cluster that was made by hand", "upgrade node "+next)
	c.by("cp-1", 3, "is not taken back", "rollback --yes")
	c.asAdmin("cp-1", "create", "poddisruptionbudget", "web", "--selector=app=web", "--min-available=4")
	eventually(c.t, time.Minute, "the budget to count its pods", func() error {
		if out := c.asAdmin("cp-1", "get", "poddisruptionbudget", "web", "-o", "jsonpath={.status.expectedPods}"); out != "4" {
			return fmt.Errorf("%q", out)
		}
		return nil
	})
	c.by("cp-1", 4, "so that no node with one of them can be drained", "upgrade apply 1.36.3 "+next)
	c.asAdmin("cp-1", "delete", "poddisruptionbudget", "web")
	if after := runs(); after != before {
		c.t.Fatalf("what was refused has changed something:\n%s", diff(before, after))
	}
}

// putBackByHand is a first control plane whose API server does not come up at the new version, for it is killed again and again: it is
// put back, and the cluster is declared to be what it was.
func (c *cluster) putBackByHand() {
	c.t.Helper()
	c.exec("cp-1", "systemd-run", "--unit=killer", "bash", "-c",
		"while sleep 0.5; do grep -q v1.36.3 /etc/kubernetes/manifests/kube-apiserver.yaml && pkill -9 -f 'kube-apiserve[r] --bind'; done")
	start := time.Now()
	c.t.Log(c.by("cp-1", 6, "it was put back to what it ran before", "upgrade apply 1.36.3"))
	c.t.Logf("put back in %.0f s", time.Since(start).Seconds())
	c.exec("cp-1", "systemctl", "stop", "killer")
	if out := c.asAdmin("cp-2", "get", "nodes", "--no-headers"); strings.Count(out, "v1.35.4") != 4 || strings.Contains(out, "NotReady") {
		c.t.Errorf("nodes:\n%s", out)
	}
	c.by("cp-2", 0, "no change of version is under way", "upgrade node")
	c.by("cp-2", 2, "The cluster runs Kubernetes 1.35.4", "upgrade plan")
}

// upgradesPlanes changes one control plane after the other; runs on the first and the second are killed, and run again.
func (c *cluster) upgradesPlanes(planes []string) {
	c.t.Helper()
	killed := func(machine, arguments string, after time.Duration) {
		log := c.killedAfter(machine, after, arguments)
		c.t.Logf("killed in %s", runningStages(c.t, log))
	}
	timed := func(machine, words, arguments string) string {
		start := time.Now()
		out := c.by(machine, 0, words, arguments)
		c.t.Logf("%s: %s: %.0f s", machine, arguments, time.Since(start).Seconds())
		return out
	}
	killed("cp-1", "upgrade apply 1.36.3", 12*time.Second)
	c.t.Log(timed("cp-1", "Next, on cp-2, cp-3", "upgrade apply 1.36.3"))
	c.by("cp-1", 0, "cp-1 is at Kubernetes 1.36.3 already", "upgrade apply 1.36.3")
	c.by("cp-2", 3, "slipway upgrade node", "upgrade apply 1.36.3")
	c.by("cp-3", 3, "stands half way, begun on cp-1", "upgrade apply 1.35.4")
	c.by("w-1", 3, "workers come after the control planes", "upgrade node")
	c.by("w-2", 4, "its control planes cp-2 and cp-3 are not there yet", c.ticket("w-2")+" --bundle "+found)
	c.by("cp-1", 3, "finish it first", "export")
	c.by("cp-1", 1, "stands half way, begun on cp-1", "status")
	c.by("cp-2", 3, "not at Kubernetes 1.36.3 yet", "upgrade finish")
	c.t.Log(c.by("cp-3", 2, "slipway upgrade finish", "upgrade plan"))
	killed("cp-2", "upgrade node", 5*time.Second)
	killed("cp-2", "upgrade node", 9*time.Second)
	timed("cp-2", "Next, on cp-3", "upgrade node")
	c.t.Log(timed("cp-3", "Then, on w-1", "upgrade node"))
	for _, m := range planes {
		if n := c.voters(m); n != 3 {
			c.t.Errorf("%s sees %d voters, want 3", m, n)
		}
	}
}

// upgradesWorker changes the worker, which a disruption budget keeps from it at first.
func (c *cluster) upgradesWorker() {
	c.t.Helper()
	c.asAdmin("cp-1", "create", "poddisruptionbudget", "web", "--selector=app=web", "--min-available=4")
	eventually(c.t, time.Minute, "the budget to count its pods", func() error {
		if out := c.asAdmin("cp-1", "get", "poddisruptionbudget", "web", "-o", "jsonpath={.status.expectedPods}"); out != "4" {
			return fmt.Errorf("%q", out)
		}
		return nil
	})
	c.t.Log(c.by("w-1", 1, "a disruption budget keeps it", "upgrade node"))
	if out := c.asAdmin("cp-1", "get", "node", "w-1", "--no-headers"); strings.Contains(out, "SchedulingDisabled") || !strings.Contains(out, "v1.35.4") {
		c.t.Errorf("a worker that could not be drained: %s", out)
	}
	c.asAdmin("cp-1", "delete", "poddisruptionbudget", "web")
	c.killedAfter("w-1", 1500*time.Millisecond, "upgrade node")
	start := time.Now()
	c.t.Log(c.by("w-1", 0, "slipway upgrade finish", "upgrade node"))
	c.t.Logf("w-1 in %.0f s", time.Since(start).Seconds())
	c.by("w-1", 0, "No changes", "upgrade node")
	if out := c.asAdmin("cp-1", "get", "pods", "-o", "wide", "--field-selector=spec.nodeName=w-1,status.phase=Running", "--no-headers"); strings.Contains(out, "web") {
		c.t.Errorf("pods that a drain moves are still there:\n%s", out)
	}
}

// upgradedByHand wants all of it at the new version, and nothing left of the old one.
func (c *cluster) upgradedByHand(machines []string) {
	c.t.Helper()
	if out := c.asAdmin("cp-2", "get", "nodes", "--no-headers"); strings.Count(out, "v1.36.3") != len(machines) || strings.Contains(out, "SchedulingDisabled") {
		c.t.Errorf("nodes:\n%s", out)
	}
	images := c.asAdmin("cp-2", "get", "pods", "-A", "-o", "jsonpath={range .items[*]}{.metadata.name} {.spec.containers[*].image}{\"\\n\"}{end}")
	if strings.Contains(images, "1.35.4") || strings.Count(images, "kube-proxy:v1.36.3") != len(machines) {
		c.t.Errorf("pods run:\n%s", images)
	}
	for _, m := range machines {
		if out := c.exec(m, "ctr", "-n", "k8s.io", "images", "list", "-q"); strings.Contains(out, "1.35.4") || !strings.Contains(out, "kube-proxy:v1.36.3") {
			c.t.Errorf("images on %s:\n%s", m, out)
		}
	}
	if out := c.asAdmin("cp-2", "get", "configmap", "kept", "-o", "jsonpath={.data.a}"); out != "b" {
		c.t.Errorf("what was in the cluster is %q", out)
	}
	if out := c.asAdmin("cp-2", "-n", "kube-system", "get", "configmap", "slipway", "-o", "jsonpath={.data}"); !strings.Contains(out, "1.36.3") || strings.Contains(out, "upgrade.json") {
		c.t.Errorf("the declaration:\n%s", out)
	}
	c.exec("cp-1", "bash", "-c", "set -e; for s in /var/lib/slipway/cluster/state/snapshots/*.db; do etcdutl snapshot status $s; done")
}

// polls asks the API at the endpoint from a machine, each time with a new connection, until stop, which tells how that went.
func (c *cluster) polls(machine string) (stop func() (asked, failed int, longest time.Duration)) {
	c.t.Helper()
	script := fmt.Sprintf(`while :; do curl -sk --max-time 1 https://%s.100:6443/readyz >/dev/null && echo "$(date +%%s%%3N) ok" || echo "$(date +%%s%%3N) no"; sleep 0.1; done >/opt/polled`, c.net)
	c.exec(machine, "systemd-run", "--unit=polls", "bash", "-c", script)
	return func() (asked, failed int, longest time.Duration) {
		c.exec(machine, "systemctl", "stop", "polls")
		text, err := os.ReadFile(filepath.Join(c.labDir(), "machines", machine, "root", "opt", "polled"))
		if err != nil {
			c.t.Fatal(err)
		}
		var since, at int64
		var how string
		for line := range strings.Lines(string(text)) {
			if n, err := fmt.Sscan(line, &at, &how); n != 2 || err != nil {
				continue
			}
			asked++
			switch {
			case how == "no":
				failed++
				if since == 0 {
					since = at
				}
			case since != 0:
				longest, since = max(longest, time.Duration(at-since)*time.Millisecond), 0
			}
		}
		return asked, failed, longest
	}
}

// appendFile puts more text behind a file in /opt of a machine.
func (c *cluster) appendFile(machine, name, text string) {
	c.t.Helper()
	path := filepath.Join(c.labDir(), "machines", machine, "root", "opt", name)
	before, err := os.ReadFile(path)
	if err != nil {
		c.t.Fatal(err)
	}
	if err := os.WriteFile(path, append(before, text...), 0o600); err != nil {
		c.t.Fatal(err)
	}
}
