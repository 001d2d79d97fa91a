//go:build vm

package test

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/client-go/kubernetes"
)

// vms are the machines of the Vagrantfile, as many as the environment says, and the cluster's file that came with them.
type vms struct {
	*cluster
	file     string
	machines []vm
}

type vm struct{ name, address string }

// newVMs has Vagrant bring the machines up, and take them down when the test ends, however it ends.
func newVMs(t *testing.T) *vms {
	t.Helper()
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	inventory := filepath.Join(t.TempDir(), "inventory")
	c := &cluster{t: t, name: "vagrant", net: "192.168.56", dir: inventory, root: root, binary: filepath.Join(root, "bin", "slipway")}
	v := &vms{cluster: c, file: filepath.Join(inventory, "cluster.hcl")}
	for _, kind := range []struct {
		variable, name string
		first          int
	}{{"SLIPWAY_CONTROL_PLANES", "cp", 11}, {"SLIPWAY_WORKERS", "w", 21}} {
		n, err := strconv.Atoi(cmp.Or(os.Getenv(kind.variable), "1"))
		if err != nil {
			t.Fatalf("%s: %v", kind.variable, err)
		}
		for i := range n {
			v.machines = append(v.machines, vm{fmt.Sprintf("%s-%d", kind.name, i+1), fmt.Sprintf("%s.%d", c.net, kind.first+i)})
		}
	}
	t.Cleanup(func() { v.vagrant("destroy", "--force") })
	start := time.Now()
	v.vagrant("up")
	t.Logf("vagrant up: %s", time.Since(start).Round(time.Second))
	return v
}

// vagrant runs a verb of Vagrant on all machines.
func (v *vms) vagrant(args ...string) {
	v.t.Helper()
	cmd := exec.Command("vagrant", args...)
	cmd.Dir = v.root
	cmd.Env = append(os.Environ(), "SLIPWAY_INVENTORY="+v.dir, "SLIPWAY_PROXY=ipvs", "SLIPWAY_KUBERNETES="+kubernetesVersion(),
		"SLIPWAY_MEMORY="+cmp.Or(os.Getenv("SLIPWAY_MEMORY"), "3072"), "SLIPWAY_CONTROL_PLANES="+cmp.Or(os.Getenv("SLIPWAY_CONTROL_PLANES"), "1"),
		"SLIPWAY_WORKERS="+cmp.Or(os.Getenv("SLIPWAY_WORKERS"), "1"))
	if out, err := cmd.CombinedOutput(); err != nil {
		v.t.Fatalf("vagrant %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func (v *vms) names() (out []string) {
	for _, m := range v.machines {
		out = append(out, m.name)
	}
	return out
}

func (v *vms) last() string { return v.machines[len(v.machines)-1].name }

// trySSH runs a script on a machine, as Vagrant's user, over the private network, and returns what it printed.
func (v *vms) trySSH(machine, script string) (string, error) {
	for _, m := range v.machines {
		if m.name != machine {
			continue
		}
		cmd := exec.Command("ssh", "-i", filepath.Join(v.dir, "keys", m.name), "-o", "UserKnownHostsFile="+filepath.Join(v.dir, "known_hosts"),
			"-o", "BatchMode=yes", "-o", "ConnectTimeout=10", "-o", "ServerAliveInterval=10", "vagrant@"+m.address, script)
		var errs strings.Builder
		cmd.Stderr = &errs
		out, err := cmd.Output()
		if err != nil {
			err = fmt.Errorf("%s: %w: %s\n%s", m.name, err, script, errs.String())
		}
		return string(out), err
	}
	return "", fmt.Errorf("no machine %s", machine)
}

func (v *vms) ssh(machine, script string) string {
	v.t.Helper()
	out, err := v.trySSH(machine, script)
	if err != nil {
		v.t.Fatalf("%v%s", err, out)
	}
	return out
}

// onEach runs a script on every machine at once and returns what each printed.
func (v *vms) onEach(script string) map[string]string {
	v.t.Helper()
	outs, errs := make([]string, len(v.machines)), make([]error, len(v.machines))
	var all sync.WaitGroup
	for i, m := range v.machines {
		all.Go(func() { outs[i], errs[i] = v.trySSH(m.name, script) })
	}
	all.Wait()
	by := map[string]string{}
	for i, m := range v.machines {
		if errs[i] != nil {
			v.t.Fatalf("%v%s", errs[i], outs[i])
		}
		by[m.name] = outs[i]
	}
	return by
}

// client is one with patience for slow machines.
func (v *vms) client() *kubernetes.Clientset {
	v.t.Helper()
	config := v.config()
	config.Timeout = 30 * time.Second
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		v.t.Fatal(err)
	}
	return client
}

// eventually polls at a pace that leaves slow machines time for their work.
func (v *vms) eventually(within time.Duration, what string, do func() error) {
	v.t.Helper()
	eventually(v.t, within, what, func() error {
		err := do()
		if err != nil {
			time.Sleep(4 * time.Second)
		}
		return err
	})
}
