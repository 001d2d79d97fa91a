//go:build linux

package node

import (
	"context"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/slipway/slipway/internal/layout"
)

// pod runs a process of that name in a cgroup of a pod, as this machine sees it. It is ended by what is returned, or by the machine.
func (m Machine) pod(t *testing.T, program string) (end func()) {
	t.Helper()
	cmd := exec.Command("sleep", "600")
	cmd.Args[0] = "/usr/local/bin/" + program
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // killed is no error here
		close(ended)
	}()
	pid := strconv.Itoa(cmd.Process.Pid)
	m.mustWrite(t, "/sys/fs/cgroup/kubepods/"+program+"/cgroup.procs", pid+"\n")
	if err := os.MkdirAll(m.path("/proc"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/proc/"+pid, m.path("/proc", pid)); err != nil {
		t.Fatal(err)
	}
	end = func() {
		_ = cmd.Process.Kill() // it may have ended
		<-ended
	}
	t.Cleanup(end)
	return end
}

// TestHalt: without a kubelet and containerd, what runs is ended all the same, and nothing else is.
func TestHalt(t *testing.T) {
	m, ctx := newMachine(t), context.Background()
	m.mustWrite(t, "/etc/kubernetes/manifests/etcd.yaml", "etcd")
	m.mustWrite(t, "/etc/kubernetes/manifests/haproxy.yaml", "haproxy")
	m.pod(t, "etcd")
	m.pod(t, "haproxy")
	h := Halt{Pods: []string{"etcd", "kube-apiserver"}, Aside: "restore-a", Grace: time.Millisecond}
	for range 2 { // the second time there is nothing to do
		if err := m.Halt(ctx, h); err != nil {
			t.Fatal(err)
		}
		if left, err := m.programs([]string{"etcd", "haproxy"}); err != nil || len(left) != 1 {
			t.Fatalf("left are %v, %v", left, err)
		}
		if m.has("/etc/kubernetes/manifests/etcd.yaml") || m.mustRead(t, layout.Home+"/restore-a/etcd.yaml") != "etcd" || !m.has("/etc/kubernetes/manifests/haproxy.yaml") {
			t.Fatal("the wrong manifests were moved")
		}
	}
}

func TestHaltRefuses(t *testing.T) {
	m := newMachine(t)
	m.mustWrite(t, "/etc/kubernetes/admin.yaml", "")
	for _, h := range []Halt{{Pods: []string{"../admin"}, Aside: "a"}, {Pods: []string{"etcd"}, Aside: "../a"}, {Pods: []string{"etcd"}}, {Pods: []string{""}, Aside: "a"}} {
		if err := m.Halt(context.Background(), h); err == nil || !strings.Contains(err.Error(), "halt: ") {
			t.Errorf("%+v: %v", h, err)
		}
	}
	if !m.has("/etc/kubernetes/admin.yaml") {
		t.Error("it was moved")
	}
}
