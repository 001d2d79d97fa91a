//go:build bench

package test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/slipway/slipway/internal/drill"
	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/kube"
)

// What the benchmark of upgrades goes from and to. kubeadm of the newer version also makes the clusters of the older.
const (
	upgradeFrom = "1.35.4"
	upgradeTo   = "1.36.3"
)

// upgradeBench is what both sides of the benchmark of upgrades need.
type upgradeBench struct{ from, to *bench }

// upgradeRun is an upgrade by one side, and what clients of the API saw of it.
type upgradeRun struct {
	course
	events []event.Event // slipway's
	seen   *drill.Report
}

// TestBenchUpgrade takes equal clusters from one minor version to the next, first with slipway, then by kubeadm's procedure, and
// writes how long it took to docs/results/bench-upgrade.md. It fails when one of them does not get there, never because of a duration.
func TestBenchUpgrade(t *testing.T) {
	u := &upgradeBench{openBench(t, upgradeFrom), openBench(t, upgradeTo)}
	if err := u.pack(); err != nil {
		t.Fatal(err)
	}
	var slipway, kubeadm upgradeRun
	var files map[string]map[string][]byte
	if !t.Run("slipway", func(t *testing.T) { slipway, files = u.slipway(t) }) ||
		!t.Run("kubeadm", func(t *testing.T) { kubeadm = u.kubeadm(t, files) }) {
		t.FailNow()
	}
	text, err := u.report(slipway, kubeadm)
	if err != nil {
		t.Fatal(err)
	}
	t.Log("\n" + text)
	path := filepath.Join(u.to.root, "docs", "results", "bench-upgrade.md")
	if os.Getenv("BENCH_MACHINES") != "" {
		path = filepath.Join(u.to.root, "build", "bench", "bench-upgrade.md")
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// slipway is slipway's side. It also gives the files that kubeadm's machines get, too.
func (u *upgradeBench) slipway(t *testing.T) (upgradeRun, map[string]map[string][]byte) {
	t.Setenv("KUBERNETES", upgradeFrom)
	c := newCluster(t, "bu", "10.66.0", benchLab()...)
	c.must("apply", "-f", c.write(benchFile()))
	files := map[string]map[string][]byte{}
	for _, m := range benchMachines {
		files[m] = c.sharedFiles(m)
	}
	kubeconfig, err := os.ReadFile(c.kubeconfig())
	if err != nil {
		t.Fatal(err)
	}
	client := u.starts(t, kubeconfig)
	t.Setenv("KUBERNETES", upgradeTo)
	file := c.write(benchFile())
	var run upgradeRun
	run.before = u.to.calm(t)
	m := newMeter(t)
	stop := asked(t, kubeconfig)
	start := time.Now()
	applied := c.timedApply(file)
	run.seen = stop()
	run.total, run.events, run.stages = applied.total, applied.events, machineStages(applied.events)
	if err := m.fill(&run.course, start); err != nil {
		t.Fatal(err)
	}
	if err := upgraded(t.Context(), client); err != nil {
		t.Fatalf("slipway says that the cluster is upgraded, but: %v", err)
	}
	u.to.keepJournals(t, c, "upgrade-slipway")
	var log bytes.Buffer
	for _, e := range run.events {
		event.NewEncoder(&log).Emit(e)
	}
	if err := u.to.keep("upgrade-slipway-events.json", log.String()); err != nil {
		t.Fatal(err)
	}
	return run, files
}

// kubeadm is the side of kubeadm.
func (u *upgradeBench) kubeadm(t *testing.T, files map[string]map[string][]byte) upgradeRun {
	t.Setenv("KUBERNETES", upgradeFrom)
	c := newCluster(t, "bu", "10.66.0", benchLab()...)
	c.write(benchFile())
	k := &kubeadmSide{bench: u.from, c: c, files: files}
	parts, err := k.making()
	if err != nil {
		t.Fatal(err)
	}
	k.timed(t, parts)
	kubeconfig, err := k.ssh("cp-1", nil, "cat /etc/kubernetes/admin.conf")
	if err != nil {
		t.Fatal(err)
	}
	k.bench, k.stages = u.to, nil
	k.client = u.starts(t, []byte(kubeconfig))
	var run upgradeRun
	before := u.to.calm(t)
	stop := asked(t, []byte(kubeconfig))
	run.course = k.timed(t, k.upgrading())
	run.seen, run.before = stop(), before
	if err := upgraded(t.Context(), k.client); err != nil {
		t.Fatalf("kubeadm's cluster is not what it should be: %v", err)
	}
	u.to.keepJournals(t, c, "upgrade-kubeadm")
	return run
}

// starts wants the cluster whole and at the old version, and makes room for what clients write.
func (u *upgradeBench) starts(t *testing.T, kubeconfig []byte) *kube.Client {
	t.Helper()
	client, err := dial(kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	if err := until(ctx, func() error { return atVersion(ctx, client, upgradeFrom) }); err != nil {
		t.Fatal(err)
	}
	return client
}

func upgraded(ctx context.Context, client *kube.Client) error {
	return atVersion(ctx, client, upgradeTo)
}

// atVersion is nil when every node runs that version and takes pods, and all is whole.
func atVersion(ctx context.Context, client *kube.Client, version string) error {
	for _, m := range benchMachines {
		if err := client.NodeRuns(ctx, m, version); err != nil {
			return err
		}
	}
	cordoned, err := client.Typed.CoreV1().Nodes().List(ctx, metav1.ListOptions{FieldSelector: "spec.unschedulable=true"})
	if err != nil {
		return err
	}
	if len(cordoned.Items) > 0 {
		return fmt.Errorf("%s takes no pods", cordoned.Items[0].Name)
	}
	return whole(ctx, client)
}
