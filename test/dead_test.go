//go:build lab

package test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestDeadMachines takes machines out of a cluster that will not answer, and takes down a cluster that has one.
func TestDeadMachines(t *testing.T) {
	c := newCluster(t, "dead", "10.87.0", "cp-1=11", "w-1=21", "w-2=22")
	node := func(names ...string) (body string) {
		for _, n := range names {
			role, last := "worker", "2"+n[len(n)-1:]
			if strings.HasPrefix(n, "cp") {
				role, last = "control-plane", "1"+n[len(n)-1:]
			}
			body += nodeBlock(n, role, last)
		}
		return body
	}
	kubectl := func(args ...string) { // which leaves nothing that Slipway would have to clean
		c.exec("cp-1", append([]string{"env", "KUBECACHEDIR=/tmp/kube", "KUBECONFIG=/etc/kubernetes/admin.conf", "kubectl"}, args...)...)
	}
	pristine := map[string]string{}
	for _, m := range []string{"cp-1", "w-1", "w-2"} {
		pristine[m] = c.inventory(m)
	}
	file := c.writeSingle(node("cp-1", "w-1", "w-2"))
	c.must("apply", "-f", file)
	c.becomesReady("cp-1", "w-1", "w-2")
	kubectl("create", "deployment", "web", "--image=slipway.local/pause:v1.0.0", "--replicas=4")

	// Its machine has no power, and nothing that ran there can be evicted.
	c.lab("kill", "w-2")
	c.writeSingle(node("cp-1", "w-1"))
	r := c.run("apply", "-f", file)
	c.says(r, 0, "it is out of the cluster, but its machine does not answer", "--forget w-2")
	t.Logf("removing a dead worker took %s\n%s", r.took, r.stderr)
	c.becomesReady("cp-1", "w-1")
	eventually(t, time.Minute, "no pod on the dead machine", func() error { return c.podsElsewhere("w-2") })
	c.says(c.run("plan", "-f", file), 0, "w-2: it is out of the cluster", "bring it back and apply again")
	c.says(c.run("apply", "-f", file), 0, "its machine does not answer")
	c.says(c.run("apply", "-f", file, "--forget", "w-1"), 3, "it is in the file")

	// It comes back, and joins by itself, as nobody has told its kubelet.
	c.lab("start", "w-2")
	eventually(t, 2*time.Minute, "the machine that came back", func() error { return allReady(c.client(), "cp-1", "w-1", "w-2") })
	c.says(c.run("plan", "-f", file), 2, "w-2", "no longer declared")
	c.must("apply", "-f", file)
	c.becomesReady("cp-1", "w-1")
	if now := c.inventory("w-2"); now != pristine["w-2"] {
		t.Errorf("the worker that came back was not cleaned:\n%s", diff(pristine["w-2"], now))
	}
	c.want(0, "plan", "-f", file)

	// Someone deletes the Node of a machine that is well; and a state directory that is lost knows a worker that leaves meanwhile.
	kubectl("delete", "node", "w-1")
	c.must("apply", "-f", file)
	c.becomesReady("cp-1", "w-1")
	if err := os.RemoveAll(filepath.Join(c.dir, ".slipway")); err != nil {
		t.Fatal(err)
	}
	c.writeSingle(strings.ReplaceAll(node("cp-1", "w-1"), "w-1", "w-9"))
	c.says(c.run("plan", "-f", file), 3, `node "w-9"`, "was applied as w-1")
	if err := os.RemoveAll(filepath.Join(c.dir, ".slipway")); err != nil {
		t.Fatal(err)
	}
	c.writeSingle(node("cp-1"))
	c.says(c.run("plan", "-f", file), 2, "w-1", "no longer declared", "was read back from the cluster: cp-1, w-1")

	// The cluster goes while the worker is silent, and the worker follows when it answers.
	c.writeSingle(node("cp-1", "w-1"))
	c.lab("cut", "w-1")
	c.says(c.run("destroy", "-f", file, "--yes", "--purge"), 4, "w-1", "--skip-unreachable")
	c.says(c.run("destroy", "-f", file, "--yes", "--purge", "--skip-unreachable"), 4, "The cluster is gone", "left as they are", "w-1 (10.87.0.21)")
	if now := c.inventory("cp-1"); now != pristine["cp-1"] {
		t.Errorf("cp-1 is not as it was found:\n%s", diff(pristine["cp-1"], now))
	}
	c.says(c.run("apply", "-f", file), 3, "Left by destroy", `node "w-1"`)
	c.lab("mend", "w-1")
	c.must("destroy", "-f", file, "--yes", "--purge")
	if now := c.inventory("w-1"); now != pristine["w-1"] {
		t.Errorf("w-1 is not as it was found:\n%s", diff(pristine["w-1"], now))
	}
}

// podsElsewhere is nil when no pod is bound to the machine and every Deployment has what it wants.
func (c *cluster) podsElsewhere(machine string) error {
	client := c.client()
	pods, err := client.CoreV1().Pods("").List(context.Background(), metav1.ListOptions{FieldSelector: "spec.nodeName=" + machine})
	if err != nil {
		return err
	}
	if len(pods.Items) > 0 {
		return fmt.Errorf("%d pods, such as %s", len(pods.Items), pods.Items[0].Name)
	}
	deployments, err := client.AppsV1().Deployments("").List(context.Background(), metav1.ListOptions{})
	if err != nil {
		return err
	}
	for _, d := range deployments.Items {
		if d.Status.ReadyReplicas < *d.Spec.Replicas {
			return fmt.Errorf("deployment %s has %d of %d", d.Name, d.Status.ReadyReplicas, *d.Spec.Replicas)
		}
	}
	return nil
}
