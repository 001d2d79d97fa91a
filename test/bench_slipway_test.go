//go:build bench

package test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/slipway/slipway/internal/event"
)

const secondApplies = 5

// slipwayRun is a cluster made by slipway and what else was measured of it.
type slipwayRun struct {
	course
	events []event.Event
	memory int64           // bytes, the most that the operator's process held
	again  []time.Duration // of applies that had nothing to do
	files  map[string]map[string][]byte
}

// slipway makes a cluster on fresh machines, and applies again to it.
func (b *bench) slipway(t *testing.T) slipwayRun {
	c := newCluster(t, "bench", benchNet, benchLab()...)
	file := c.write(benchFile())
	before := b.calm(t)
	m := newMeter(t)
	start := time.Now()
	run := c.timedApply(file)
	run.before = before
	run.stages = stagesOf(run.events)
	if err := m.fill(&run.course, start); err != nil {
		t.Fatal(err)
	}
	kubeconfig, err := os.ReadFile(c.kubeconfig())
	if err != nil {
		t.Fatal(err)
	}
	client, err := dial(kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	if err := whole(t.Context(), client); err != nil {
		t.Fatalf("slipway says that the cluster is up, but: %v", err)
	}
	for i := range 1 + secondApplies {
		again := c.run("apply", "-f", file)
		if again.code != 0 || !strings.Contains(again.stderr, "No changes") {
			t.Fatalf("apply %d after the first: exit %d, want no changes\n%s", i+1, again.code, again.stderr)
		}
		if i > 0 { // the first one warms up
			run.again = append(run.again, again.took)
		}
	}
	b.keepJournals(t, c, "slipway")
	var log bytes.Buffer
	for _, e := range run.events {
		event.NewEncoder(&log).Emit(e)
	}
	if err := b.keep("slipway-events.json", log.String()); err != nil {
		t.Fatal(err)
	}
	run.files = map[string]map[string][]byte{}
	for _, machine := range benchMachines {
		run.files[machine] = c.sharedFiles(machine)
	}
	return run
}

// timedApply applies, keeping its events and how much memory it took.
func (c *cluster) timedApply(file string) slipwayRun {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 12*time.Minute)
	defer cancel()
	var run slipwayRun
	var mu sync.Mutex
	var out, said bytes.Buffer
	cmd := exec.CommandContext(ctx, c.binary, "apply", "-f", file, "-o", "json")
	cmd.Dir, cmd.Stdout, cmd.Stderr = c.dir, &out, &said
	start := time.Now()
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	peak := make(chan int64)
	go func() { peak <- peakMemory(cmd.Process.Pid) }()
	err := cmd.Wait()
	run.total = time.Since(start)
	run.memory = <-peak
	decoded := event.Decode(&out, event.SinkFunc(func(e event.Event) {
		mu.Lock()
		defer mu.Unlock()
		run.events = append(run.events, e)
	}))
	if err != nil || decoded != nil {
		for _, e := range run.events {
			if e.Kind == event.Failed {
				c.t.Logf("%s %s: %s", e.Stage, e.Node, e.Message)
			}
		}
		c.t.Fatalf("slipway apply: %v\n%s", errors.Join(err, decoded), said.String())
	}
	if run.memory == 0 {
		c.t.Fatal("/proc does not tell how much memory the process took")
	}
	return run
}

// peakMemory is the most memory that a process held, in bytes, as last seen before its end. What wait gives
// would not do: it counts what the parent held when it forked.
func peakMemory(pid int) (peak int64) {
	for {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if err != nil {
			return peak
		}
		_, rest, found := strings.Cut(string(text), "VmHWM:")
		if !found { // a zombie
			return peak
		}
		var kib int64
		if _, err := fmt.Sscan(rest, &kib); err == nil {
			peak = kib * 1024
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// stagesOf finds the stages of the cluster as a whole. Some run beside each other.
func stagesOf(events []event.Event) []stretch {
	var out []stretch
	for _, e := range events {
		if e.Node != "" || e.Stage == "" || e.Subject != "" {
			continue
		}
		i := slices.IndexFunc(out, func(s stretch) bool { return s.name == e.Stage })
		switch {
		case e.Kind == event.Started && i < 0:
			out = append(out, stretch{name: e.Stage, start: e.Time})
		case e.Kind == event.Done && i >= 0:
			out[i].end = e.Time
		}
	}
	for i := range out[1:] {
		if out[i+1].start.Before(out[i].end) {
			out[i+1].note = "beside " + out[i].name
		}
	}
	return out
}

// sharedFiles are those that the machines of kubeadm's side get too, so that both run the same.
func (c *cluster) sharedFiles(machine string) map[string][]byte {
	c.t.Helper()
	paths := []string{"/etc/containerd/config.toml", "/etc/systemd/system/containerd.service"}
	if strings.HasPrefix(machine, "cp-") {
		paths = append(paths,
			"/etc/kubernetes/loadbalancer/haproxy.cfg", "/etc/kubernetes/loadbalancer/keepalived.conf", "/etc/kubernetes/loadbalancer/check.sh",
			"/etc/kubernetes/manifests/haproxy.yaml", "/etc/kubernetes/manifests/keepalived.yaml")
	}
	files := map[string][]byte{}
	for _, path := range paths {
		files[path] = []byte(c.exec(machine, "cat", path))
	}
	return files
}
