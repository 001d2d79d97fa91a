//go:build vm

package test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestVirtualMachines lives one life of a cluster in VMs that Vagrant makes: kernels of their own, swap, a first interface with
// the same address in each, and power switches. Emulated processors are some five times slower than this machine's, hence
// the patience. It runs inside of test/vm/libvirt.sh.
func TestVirtualMachines(t *testing.T) {
	v := newVMs(t)
	part := func(name string, do func()) bool {
		t.Helper()
		defer func() { v.t = t }()
		return t.Run(name, func(t *testing.T) { v.t = t; do() })
	}
	v.swapByUnit(v.last())
	v.bePatient()
	before := v.onEach(`sort /proc/swaps | awk '/\/dev/ {print $1, $2}'; cat /etc/fstab`)
	part("the machines are as Vagrant makes them", v.asVagrantMakesThem)
	for _, m := range v.machines {
		v.countPackets(m.name)
	}
	if !part("apply", v.apply) {
		return // the rest would wait in vain
	}
	part("status is healthy", v.healthy)
	part("a second apply changes nothing", func() { v.want(0, "plan", "-f", v.file) })
	part("Services answer by ipvs on every machine", v.ipvsAnswers)
	part("all traffic is on the private network", v.trafficIsPrivate) // now that there was some, from one machine to the other
	part("swap is off", v.swapIsOff)
	if !part("all machines are rebooted at once", v.rebootAtOnce) {
		return
	}
	part("Services answer by ipvs after the reboot", v.ipvsAnswers)
	part("all traffic is still on the private network", v.trafficIsPrivate)
	part("swap is still off", v.swapIsOff)
	part("status is healthy after the reboot", v.healthy)
	part("plan finds nothing to do after the reboot", func() { v.want(0, "plan", "-f", v.file) })
	part("destroy gives the machines back with their swap", func() {
		v.must("destroy", "-f", v.file, "--yes", "--purge")
		after := v.onEach(`sort /proc/swaps | awk '/\/dev/ {print $1, $2}'; cat /etc/fstab`)
		for m, was := range before {
			if after[m] != was {
				v.t.Errorf("%s was:\n%s\nand is:\n%s", m, was, after[m])
			}
		}
	})
}

// asVagrantMakesThem makes sure of what the test is about, so that it cannot succeed for lack of it.
func (v *vms) asVagrantMakesThem() {
	for m, out := range v.onEach("sudo cat /proc/swaps; ip route get 192.0.2.1; stat -fc %T /sys/fs/cgroup; ls /sys/module; ps -o comm= 1") {
		for _, want := range []string{"/dev/vda2", "src 10.0.2.15", "cgroup2fs", "systemd\n"} {
			if !strings.Contains(out, want) {
				v.t.Errorf("%s has no %q:\n%s", m, want, out)
			}
		}
		if strings.Contains(out, "ip_vs") {
			v.t.Errorf("%s has ipvs modules loaded before Slipway came", m)
		}
	}
}

// bePatient gives the control plane's programs the time that an emulated processor takes: with the ten seconds that real ones
// have for it, controllers lose their leases, start again, and keep the machine busy with nothing else.
func (v *vms) bePatient() {
	f, err := os.OpenFile(v.file, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		v.t.Fatal(err)
	}
	const elect = `"leader-elect-lease-duration" = "120s", "leader-elect-renew-deadline" = "90s", "leader-elect-retry-period" = "10s"`
	_, err = fmt.Fprintf(f, "\ncomponent %q { flags = { %s } }\ncomponent %q { flags = { %s } }\ncomponent %q { flags = { %s } }\n",
		"kube-controller-manager", elect, "kube-scheduler", elect,
		"kube-apiserver", `"etcd-healthcheck-timeout" = "20s", "etcd-readycheck-timeout" = "20s"`)
	if err := errors.Join(err, f.Close()); err != nil {
		v.t.Fatal(err)
	}
}

// apply shows its progress as it goes: it may take half an hour.
func (v *vms) apply() {
	start := time.Now()
	cmd := exec.Command(v.binary, "apply", "-f", v.file, "--timeout", "30m")
	cmd.Dir, cmd.Stdout, cmd.Stderr = v.dir, os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil {
		v.t.Fatalf("apply: %v", err)
	}
	v.t.Logf("apply: %s", time.Since(start).Round(time.Second))
}

func (v *vms) healthy() {
	v.eventually(10*time.Minute, "a healthy status", func() error {
		if r := v.run("status", "-f", v.file); r.code != 0 {
			return fmt.Errorf("exit %d\n%s%s", r.code, r.stdout, r.stderr)
		}
		return nil
	})
}

// rebootAtOnce has every machine reboot in the same second; then only looks on.
func (v *vms) rebootAtOnce() {
	t, ctx := v.t, context.Background()
	client := v.client()
	kept := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "kept"}, Data: map[string]string{"word": "marzipan"}}
	if _, err := client.CoreV1().ConfigMaps("default").Create(ctx, kept, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	const bootID = "cat /proc/sys/kernel/random/boot_id"
	before := v.onEach(bootID)
	v.onEach("sudo systemd-run --on-active=3 systemctl reboot")
	start := time.Now()
	boots := map[string]string{}
	v.eventually(20*time.Minute, "every machine booted anew", func() error {
		for _, m := range v.machines {
			out, err := v.trySSH(m.name, bootID)
			if err != nil {
				return err
			}
			if out == before[m.name] {
				return fmt.Errorf("%s still runs as before", m.name)
			}
			boots[m.name] = strings.TrimSpace(out)
		}
		return nil
	})
	t.Logf("every machine answered %s after the reboot was ordered", time.Since(start).Round(time.Second))
	v.eventually(30*time.Minute, "the cluster back by itself", func() error { return v.backSince(boots) })
	t.Logf("the cluster was back %s after the reboot was ordered", time.Since(start).Round(time.Second))
	again, err := client.CoreV1().ConfigMaps("default").Get(ctx, "kept", metav1.GetOptions{})
	if err != nil || again.Data["word"] != "marzipan" {
		t.Errorf("the object from before the reboot: %v, %v", again, err)
	}
}

// backSince is nil when all nodes are Ready and all pods of kube-system run, as told by kubelets of these boots.
func (v *vms) backSince(boots map[string]string) error {
	client := v.client()
	if err := allReady(client, v.names()...); err != nil {
		return err
	}
	list, err := client.CoreV1().Nodes().List(context.Background(), metav1.ListOptions{})
	if err != nil {
		return err
	}
	for _, n := range list.Items {
		if n.Status.NodeInfo.BootID != boots[n.Name] {
			return fmt.Errorf("%s has not been heard of since it booted", n.Name)
		}
	}
	return nil
}

// swapByUnit has a machine turn swap on by a unit of systemd's instead of /etc/fstab, as zram-generator and many images do.
func (v *vms) swapByUnit(m string) {
	v.ssh(m, `sudo sh -ec '
		swapoff -a
		sed -i "/ swap /d" /etc/fstab
		printf "[Swap]\nWhat=/dev/vda2\n[Install]\nWantedBy=swap.target\n" >/etc/systemd/system/dev-vda2.swap
		systemctl daemon-reload
		systemctl enable --now --quiet dev-vda2.swap'`)
}

func (v *vms) swapIsOff() {
	for m, out := range v.onEach("tail -n +2 /proc/swaps; systemctl is-active kubelet") {
		if out != "active\n" {
			v.t.Errorf("%s has swap on, or its kubelet does not run:\n%s", m, out)
		}
	}
}

func TestMain(m *testing.M) {
	if os.Getenv("SLIPWAY_BOX") == "" {
		fmt.Fprintln(os.Stderr, "run it by make test-vm, which brings libvirt up")
		os.Exit(3)
	}
	os.Exit(m.Run())
}
