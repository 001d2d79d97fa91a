//go:build torture

package test

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestUpgrade takes a loaded cluster from the oldest version to the newest, one minor at a time, with what goes wrong on the way:
// a version too far, a file that the new version cannot start with, an apply that is killed, a way back, and a power cut.
func TestUpgrade(t *testing.T) {
	t.Setenv("KUBERNETES", "1.34.4")
	c := newCluster(t, "upgrade", "10.89.0", highlyAvailableMachines()...)
	file := c.write(highlyAvailable())
	c.must("apply", "-f", file)
	c.becomesReady("cp-1", "cp-2", "cp-3", "w-1", "w-2")
	before := c.loaded()
	part := func(name string, do func(t *testing.T)) {
		t.Helper()
		if !t.Run(name, func(t *testing.T) { c.t = t; do(t) }) {
			t.FailNow() // the next begins where this one ends
		}
		c.t = t
	}
	part("a version too far is refused", func(t *testing.T) {
		c.to("1.36.3", "")
		if out := c.want(3, "plan", "-f", file); !strings.Contains(out, `kubernetes = "1.35.4"`) {
			t.Errorf("the hop to make first is not named:\n%s", out)
		}
	})
	part("a flag that the version does not know is refused", func(t *testing.T) { c.unknownFlag(file) })
	part("a bad flag stops at the first node, which is put back", func(t *testing.T) { c.badFlag(file) })
	part("an apply is killed, and the next goes on", func(t *testing.T) {
		c.to("1.35.4", "")
		doing := c.killed(75*time.Second, "apply", "-f", file)
		t.Logf("killed in %s", doing)
		c.onTheWay(file)
	})
	part("half way can be taken back", func(t *testing.T) {
		start := time.Now()
		c.must("rollback", "-f", file, "--yes")
		t.Logf("taken back in %.0f s", time.Since(start).Seconds())
		c.runs("1.34.4")
		c.to("1.34.4", "")
		c.want(0, "plan", "-f", file)
		c.unlost(before)
	})
	part("to 1.35.4", func(t *testing.T) { c.upgrades("1.35.4", before) })
	part("to 1.36.3, with a power cut in the midst", func(t *testing.T) {
		c.to("1.36.3", "")
		c.powerCut(file)
		c.upgrades("1.36.3", before)
	})
	part("a finished one can be taken back", func(t *testing.T) {
		start := time.Now()
		c.must("rollback", "-f", file, "--yes")
		t.Logf("taken back in %.0f s", time.Since(start).Seconds())
		c.runs("1.35.4")
		c.unlost(before)
		c.want(3, "rollback", "-f", file, "--yes")
	})
}

// to writes the file for a version, with more after what it says.
func (c *cluster) to(version, more string) string {
	c.t.Helper()
	if err := os.Setenv("KUBERNETES", version); err != nil {
		c.t.Fatal(err)
	}
	return c.write(highlyAvailable() + more)
}

func (c *cluster) upgrades(version string, before map[string]string) {
	t := c.t
	file := c.to(version, "")
	plan := c.want(2, "plan", "-f", file)
	t.Log(plan)
	r := c.run("apply", "-f", file)
	if r.code != 0 {
		t.Fatalf("exit %d\n%s", r.code, r.stderr)
	}
	t.Logf("to %s in %.0f s\n%s", version, r.took.Seconds(), r.stderr)
	c.runs(version)
	c.unlost(before)
	c.want(0, "plan", "-f", file)
}

// runs wants every node Ready at a version, able to take pods, and the cluster whole.
func (c *cluster) runs(version string) {
	c.t.Helper()
	c.becomesReady("cp-1", "cp-2", "cp-3", "w-1", "w-2")
	nodes := c.kubectlOnce("get", "nodes", "--no-headers")
	if strings.Count(nodes, "v"+version) != 5 || strings.Contains(nodes, "SchedulingDisabled") {
		c.t.Errorf("not all nodes run %s and take pods:\n%s", version, nodes)
	}
}

func (c *cluster) kubectlOnce(args ...string) string {
	c.t.Helper()
	return c.exec("cp-1", append([]string{"kubectl", "--kubeconfig", "/etc/kubernetes/admin.conf"}, args...)...)
}

// unknownFlag is refused by all that could bring the cluster to the version, with its place, and nothing is changed.
func (c *cluster) unknownFlag(file string) {
	t := c.t
	c.to("1.35.4", "component \"kube-apiserver\" { flags = { no-such-flag = \"1\", feature-gates = \"NoSuchGate=true\" } }\n")
	for _, args := range [][]string{{"plan", "-f", file}, {"apply", "-f", file}, {"drill", "upgrade", "-f", file, "--to", "1.35.4", "--agree", "upgrade"}} {
		out := c.want(3, args...)
		for _, want := range []string{"kube-apiserver of Kubernetes 1.35.4 has no flag --no-such-flag", "has no feature gate NoSuchGate", "cluster.hcl line"} {
			if !strings.Contains(strings.Join(strings.Fields(out), " "), want) {
				t.Errorf("%s does not say %q:\n%s", args[0], want, out)
			}
		}
	}
	c.to("1.34.4", "")
	c.want(0, "plan", "-f", file)
}

// badFlag is an API server that cannot start: the node is on its old version again, and the others never noticed.
func (c *cluster) badFlag(file string) {
	t := c.t
	c.to("1.35.4", "component \"kube-apiserver\" { flags = { audit-log-format = \"sideways\" } }\n")
	client, stop := c.freshly(), make(chan struct{})
	outage := c.outage(client, stop)
	r := c.run("apply", "-f", file)
	close(stop)
	if r.code != 6 {
		t.Fatalf("exit %d, want 6\n%s", r.code, r.stderr)
	}
	for _, want := range []string{"put back", "invalid audit log format sideways"} {
		if !strings.Contains(r.stderr, want) {
			t.Errorf("the error does not speak of %q:\n%s", want, r.stderr)
		}
	}
	t.Logf("stopped and put back %.0f s after apply began; longest time without an answer through the shared address %.1f s", r.took.Seconds(), (<-outage).Seconds())
	c.runs("1.34.4")
	if n := c.votersNow(); n != 3 {
		t.Errorf("%d voters", n)
	}
}

func (c *cluster) votersNow() int {
	return strings.Count(c.exec("cp-1", "etcdctl", "--endpoints", "https://127.0.0.1:2379", "--cacert", "/etc/kubernetes/pki/etcd/ca.crt", "--cert", "/etc/kubernetes/pki/etcd/healthcheck-client.crt",
		"--key", "/etc/kubernetes/pki/etcd/healthcheck-client.key", "member", "list"), ", false")
}

// onTheWay wants the journal to refuse what would leave the cluster between versions.
func (c *cluster) onTheWay(file string) {
	t := c.t
	c.to("1.34.4", "")
	if out := c.want(3, "plan", "-f", file); !strings.Contains(out, "half way") || !strings.Contains(out, "slipway rollback") {
		t.Errorf("the change that stands half way is not spoken of:\n%s", out)
	}
	c.to("1.35.4", "")
}

// powerCut cuts the power of the first control plane that is changed, while it is.
func (c *cluster) powerCut(file string) {
	t := c.t
	done := make(chan result, 1)
	go func() { done <- c.run("apply", "-f", file, "--timeout", "90s") }()
	var victim string
	eventually(t, 5*time.Minute, "a control plane with a manifest of the new version", func() error {
		for _, m := range []string{"cp-1", "cp-2", "cp-3"} {
			if strings.Contains(c.exec(m, "cat", "/etc/kubernetes/manifests/kube-apiserver.yaml"), "v1.36.3") {
				victim = m
				return nil
			}
		}
		return fmt.Errorf("none yet")
	})
	c.lab("kill", victim)
	r := <-done
	t.Logf("%s lost power; apply ended with exit code %d:\n%s", victim, r.code, r.stderr)
	if r.code == 0 {
		t.Error("an apply whose machine lost power ended well")
	}
	c.lab("start", victim)
	eventually(t, 4*time.Minute, "the machine back by itself", func() error { return allReady(c.client(), "cp-1", "cp-2", "cp-3", "w-1", "w-2") })
}

// loaded fills the cluster: 500 ConfigMaps and Secrets, 20 Deployments. It returns what must stay of them.
func (c *cluster) loaded() map[string]string {
	c.t.Helper()
	var list []string
	for i := range 250 {
		list = append(list,
			fmt.Sprintf(`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"load-%d","namespace":"load"},"data":{"n":"%d"}}`, i, i),
			fmt.Sprintf(`{"apiVersion":"v1","kind":"Secret","metadata":{"name":"load-%d","namespace":"load"},"stringData":{"n":"%d"}}`, i, i*7))
	}
	for i := range 20 {
		list = append(list, fmt.Sprintf(`{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"load-%d","namespace":"load"},"spec":{"replicas":1,"selector":{"matchLabels":{"app":"l%d"}},
"template":{"metadata":{"labels":{"app":"l%d"}},"spec":{"terminationGracePeriodSeconds":1,"containers":[{"name":"p","image":"slipway.local/pause:v1.0.0","imagePullPolicy":"Never"}]}}}}`, i, i, i))
	}
	c.kubectlOnce("create", "namespace", "load")
	c.putFile("cp-1", "load.json", `{"apiVersion":"v1","kind":"List","items":[`+strings.Join(list, ",")+`]}`)
	c.kubectlOnce("create", "-f", "/opt/load.json")
	c.kubectlOnce("-n", "load", "wait", "--for=condition=Available", "deployment", "--all", "--timeout=180s")
	return c.load()
}

// load is what must stay of each object of the load: its uid, and its data or what was wanted of it.
func (c *cluster) load() map[string]string {
	c.t.Helper()
	var list struct {
		Items []struct {
			Kind     string            `json:"kind"`
			Metadata metav1.ObjectMeta `json:"metadata"`
			Data     json.RawMessage   `json:"data"`
			Spec     json.RawMessage   `json:"spec"`
		} `json:"items"`
	}
	if err := json.Unmarshal([]byte(c.kubectlOnce("-n", "load", "get", "configmaps,secrets,deployments", "-o", "json")), &list); err != nil {
		c.t.Fatal(err)
	}
	out := map[string]string{}
	for _, o := range list.Items {
		if strings.HasPrefix(o.Metadata.Name, "load-") {
			out[o.Kind+" "+o.Metadata.Name] = string(o.Metadata.UID) + string(o.Data) + string(o.Spec)
		}
	}
	return out
}

// unlost wants the load as it was, and running.
func (c *cluster) unlost(before map[string]string) {
	c.t.Helper()
	if len(before) != 520 {
		c.t.Fatalf("the load is of %d objects", len(before))
	}
	now := c.load()
	for id, was := range before {
		if now[id] != was {
			c.t.Errorf("%s was\n%s\nand is\n%s", id, was, now[id])
		}
	}
	c.kubectlOnce("-n", "load", "wait", "--for=condition=Available", "deployment", "--all", "--timeout=180s")
}
