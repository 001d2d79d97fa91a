//go:build bench

package test

import (
	"cmp"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/slipway/slipway/internal/bundle"
)

const benchNet = "10.86.0"

// benchMachines are the machines of either side, in the order of the cluster's file. BENCH_MACHINES names fewer, such as
// cp-1,w-1, for a quick look at what the benchmarks do; docs/results holds what all of them took.
var benchMachines = strings.Split(cmp.Or(os.Getenv("BENCH_MACHINES"), "cp-1,cp-2,cp-3,w-1,w-2"), ",")

// benchLab is how the lab is told of them.
func benchLab() (out []string) {
	for _, m := range benchMachines {
		out = append(out, m+"="+lastOctet(m))
	}
	return out
}

// benchFile is how the cluster's file is.
func benchFile() string {
	text := "load_balancer \"vip\" {}\n"
	for _, m := range benchMachines {
		text += nodeBlock(m, roleOf(m), lastOctet(m))
	}
	return text
}

// TestBench makes the same cluster on equal fresh machines, first with slipway, then with kubeadm, and
// writes how long it took to docs/results/bench.md. It fails when one of them does not make its cluster,
// never because of a duration. BENCH_RUNS says how often to do it; the default is once.
func TestBench(t *testing.T) {
	b := prepareBench(t)
	var pairs []pair
	for i := range benchRuns(t) {
		var p pair
		n := strconv.Itoa(i + 1)
		if !t.Run("slipway "+n, func(t *testing.T) { p.slipway = b.slipway(t) }) ||
			!t.Run("kubeadm "+n, func(t *testing.T) { p.kubeadm = b.kubeadm(t, p.slipway) }) {
			t.FailNow()
		}
		t.Logf("run %s: slipway %.1f s, kubeadm %.1f s, ratio %.2f", n, p.slipway.total.Seconds(), p.kubeadm.total.Seconds(), p.ratio())
		pairs = append(pairs, p)
	}
	text, err := b.report(pairs)
	if err != nil {
		t.Fatal(err)
	}
	t.Log("\n" + text)
	dir := filepath.Join(b.root, "docs", "results")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "bench.md"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// pair is one measurement of both sides.
type pair struct {
	slipway slipwayRun
	kubeadm course
}

func (p pair) ratio() float64 { return p.slipway.total.Seconds() / p.kubeadm.total.Seconds() }

func benchRuns(t *testing.T) int {
	t.Helper()
	text := os.Getenv("BENCH_RUNS")
	if text == "" {
		return 1
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("BENCH_RUNS is %q: expected a number of runs, 1 or more", text)
	}
	return n
}

func prepareBench(t *testing.T) *bench {
	t.Helper()
	b := openBench(t, kubernetesVersion())
	var err error
	if b.program, err = compileKubeadm(b.root, b.version); err != nil {
		t.Fatal(err)
	}
	if err := b.pack(); err != nil {
		t.Fatal(err)
	}
	return b
}

// openBench opens the bundle of a version.
func openBench(t *testing.T, version string) *bench {
	t.Helper()
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	opened, err := bundle.Open(filepath.Join(root, "build", "slipway-"+version+"-amd64.bundle"))
	if err != nil {
		t.Fatalf("%v: run it through make, which builds the bundle", err)
	}
	t.Cleanup(func() { _ = opened.Close() }) // read only
	if err := os.MkdirAll(filepath.Join(root, "build", "bench"), 0o755); err != nil {
		t.Fatal(err)
	}
	return &bench{root: root, version: version, bundle: opened, payload: t.TempDir()}
}

// calm gives both sides the same start: what they send lies in memory, nothing waits to be written, and the
// machines that were just started have come to rest. It returns how busy the processors still are.
func (b *bench) calm(t *testing.T) float64 {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(b.payload, "*.tar"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range append(files, b.bundle.Path()) {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		_, err = io.Copy(io.Discard, f)
		_ = f.Close() // read only
		if err != nil {
			t.Fatal(err)
		}
	}
	syscall.Sync()
	rest := 0.0
	for range 10 {
		m := newMeter(t)
		start := time.Now()
		time.Sleep(2 * time.Second)
		m.stop()
		busy, err := m.busy(start, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if rest = busy; busy < 0.05 {
			break
		}
	}
	return rest
}

// keep stores what a curious reader may want to look at beside the report.
func (b *bench) keep(name, content string) error {
	return os.WriteFile(filepath.Join(b.root, "build", "bench", name), []byte(content), 0o600)
}

// keepJournals keeps what the machines themselves said, after the clock has stopped.
func (b *bench) keepJournals(t *testing.T, c *cluster, side string) {
	t.Helper()
	for _, m := range benchMachines {
		if err := b.keep(side+"-"+m+".journal", c.exec(m, "journalctl", "-q", "-o", "short-precise")); err != nil {
			t.Fatal(err)
		}
	}
}
