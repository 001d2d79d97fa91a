//go:build bench

package test

import (
	"archive/tar"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// singleCourse is how one side got from a bare machine to a cluster of it alone.
type singleCourse struct {
	course
	ready time.Duration // from the start until the node is Ready
}

// TestBenchSingle makes a cluster of one machine with slipway init and with kubeadm init, on equal fresh machines, and
// writes how long it took to docs/results/bench-single.md. BENCH_RUNS says how often; the default is once.
func TestBenchSingle(t *testing.T) {
	b := prepareBench(t)
	if err := b.packSlipway(); err != nil {
		t.Fatal(err)
	}
	var pairs [][2]singleCourse
	for i := range benchRuns(t) {
		var p [2]singleCourse
		var files map[string][]byte
		if !t.Run(fmt.Sprint("slipway ", i+1), func(t *testing.T) { p[0], files = b.singleSlipway(t) }) ||
			!t.Run(fmt.Sprint("kubeadm ", i+1), func(t *testing.T) { p[1] = b.singleKubeadm(t, files) }) {
			t.FailNow()
		}
		t.Logf("run %d: node Ready after %.1f s and %.1f s, all ready after %.1f s and %.1f s", i+1,
			p[0].ready.Seconds(), p[1].ready.Seconds(), p[0].total.Seconds(), p[1].total.Seconds())
		pairs = append(pairs, p)
	}
	b.reportSingle(t, pairs)
}

// packSlipway writes what slipway's machine is sent: the program and the bundle, as people copy them.
func (b *bench) packSlipway() error {
	out, err := os.Create(filepath.Join(b.payload, "slipway.tar"))
	if err != nil {
		return err
	}
	defer out.Close()
	archive := tar.NewWriter(out)
	for name, path := range map[string]string{"opt/slipway": filepath.Join(b.root, "bin", "slipway"), "opt/" + filepath.Base(b.bundle.Path()): b.bundle.Path()} {
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if err := put(archive, name, 0o755, content); err != nil {
			return err
		}
	}
	return archive.Close()
}

// oneMachine starts the machine of either side and writes the cluster's file.
func (b *bench) oneMachine(t *testing.T) *kubeadmSide {
	c := newCluster(t, "bench", benchNet, "cp-1=11")
	c.writeSingle(nodeBlock("cp-1", "control-plane", "11"))
	return &kubeadmSide{bench: b, c: c}
}

// singleSlipway is slipway's side. It also gives the files that kubeadm's machine gets, too.
func (b *bench) singleSlipway(t *testing.T) (singleCourse, map[string][]byte) {
	k := b.oneMachine(t)
	text, err := os.ReadFile(filepath.Join(k.c.dir, "cluster.hcl"))
	if err != nil {
		t.Fatal(err)
	}
	_, settings, _ := strings.Cut(string(text), "\nssh {") // how to reach it and where the bundle lies is nothing to init
	_, settings, _ = strings.Cut(settings, "\n}\n")
	node := fmt.Sprintf("cluster \"bench\" {\n  kubernetes = %q\n}\n%s", kubernetesVersion(), settings)
	run := k.timedSingle(t, []part{
		{"payload", "slipway and its bundle", func() error {
			archive, err := os.Open(filepath.Join(k.payload, "slipway.tar"))
			if err != nil {
				return err
			}
			defer archive.Close()
			_, err = k.ssh("cp-1", archive, "tar -C / --no-same-owner -xf -")
			return err
		}},
		{"init", "slipway init, which ends when all is ready", func() error {
			out, err := k.ssh("cp-1", strings.NewReader(node), "cat >/opt/node.hcl && cd /opt && ./slipway init -f node.hcl -o json")
			return errors.Join(err, k.keep("slipway-single-events.json", out))
		}},
		{"ready", "until the node is Ready and all of kube-system runs, asked from outside", k.waitSingle},
	})
	files := map[string][]byte{}
	for _, path := range []string{"/etc/containerd/config.toml", "/etc/systemd/system/containerd.service"} {
		files[path] = []byte(k.c.exec("cp-1", "cat", path))
	}
	return run, files
}

// singleKubeadm is kubeadm's side, with the taint taken off as slipway's single machine has none.
func (b *bench) singleKubeadm(t *testing.T, files map[string][]byte) singleCourse {
	k := b.oneMachine(t)
	k.files = map[string]map[string][]byte{"cp-1": files}
	k.configure()
	addons, err := k.addons()
	if err != nil {
		t.Fatal(err)
	}
	var config []string // that of the first of several, but for their endpoint
	for _, line := range strings.Split(k.config.init(k.c), "\n") {
		if !strings.HasPrefix(line, "controlPlaneEndpoint:") && !strings.HasPrefix(line, "certificateKey:") {
			config = append(config, line)
		}
	}
	return k.timedSingle(t, []part{
		{"payload", "executables, images and settings", func() error { return k.send("cp-1") }},
		{"machine", "kernel parameters, containerd and import of images", func() error { return k.install("cp-1") }},
		{"init", "kubeadm init", func() error {
			_, err := k.kubeadm("cp-1", "init --skip-token-print", strings.Join(config, "\n"))
			return err
		}},
		{"addons", "pod network and metrics-server, and the taint off", func() error {
			if err := k.apply(addons); err != nil {
				return err
			}
			_, err := k.ssh("cp-1", nil, "kubectl --kubeconfig /etc/kubernetes/admin.conf taint node cp-1 node-role.kubernetes.io/control-plane:NoSchedule-")
			return err
		}},
		{"ready", "until the node is Ready and all of kube-system runs", k.waitSingle},
	})
}

// timedSingle does the parts under the clock, and sees when the node is Ready.
func (k *kubeadmSide) timedSingle(t *testing.T, parts []part) (run singleCourse) {
	run.before = k.calm(t)
	m := newMeter(t)
	start := time.Now()
	ready := make(chan time.Duration, 1)
	go func() { ready <- k.watchReady(t.Context(), start) }()
	for _, p := range parts {
		if err := k.stage(p.name, p.note, p.do); err != nil {
			out, told := k.ssh("cp-1", nil, "journalctl -q -u kubelet -u containerd -p warning -n 15 --no-pager")
			t.Fatalf("stage %s: %v\n%v\n%s", p.name, err, told, out)
		}
	}
	run.total, run.stages = time.Since(start), k.stages
	if run.ready = <-ready; run.ready == 0 {
		t.Fatal("nobody saw the node become Ready")
	}
	if err := m.fill(&run.course, start); err != nil {
		t.Fatal(err)
	}
	return run
}
