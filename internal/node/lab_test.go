//go:build lab && linux

package node_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/lab"
	"github.com/slipway/slipway/internal/node"
)

// machine is a lab machine with a slipway on it.
type machine struct {
	t   *testing.T
	lab *lab.Lab
}

const pushed = "/var/lib/slipway/bin/slipway"

func newLabMachine(t *testing.T) *machine {
	t.Helper()
	dir := t.TempDir()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	build := exec.Command("go", "build", "-ldflags=-s -w", "-o", dir+"/slipway", "./cmd/slipway")
	build.Dir = root
	build.Env = append(build.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	bases, err := filepath.Glob(root + "/build/cache/lab-base-*")
	if err != nil {
		t.Fatal(err)
	}
	c := lab.Config{Dir: dir + "/lab", Name: "nodetest", Subnet: netip.MustParsePrefix("10.80.0.0/24"),
		Nodes: []lab.Machine{{Name: "n1", Address: netip.MustParseAddr("10.80.0.5")}}}
	if len(bases) > 0 {
		c.Cache = slices.Max(bases)
	}
	l, err := lab.Up(context.Background(), c, event.Discard)
	if l != nil {
		t.Cleanup(func() {
			if err := l.Down(); err != nil {
				t.Error(err)
			}
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	m := &machine{t, l}
	m.snapshot("true") // warms up what a first login makes
	m.push(dir + "/slipway")
	return m
}

func (m *machine) push(from string) {
	m.t.Helper()
	tar := exec.Command("tar", "-c", "-C", filepath.Dir(from), filepath.Base(from))
	text, err := tar.Output()
	if err != nil {
		m.t.Fatal(err)
	}
	m.must(bytes.NewReader(text), "sh", "-c", "mkdir -p "+filepath.Dir(pushed)+" && tar -x -C "+filepath.Dir(pushed))
}

// run runs a program in the machine.
func (m *machine) run(stdin *bytes.Reader, args ...string) (string, error) {
	m.t.Helper()
	cmd, err := m.lab.Command(context.Background(), "n1", args...)
	if err != nil {
		m.t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if stdin != nil {
		cmd.Stdin = stdin
	}
	if err := cmd.Run(); err != nil {
		return stdout.String(), fmt.Errorf("%s: %w: %s", strings.Join(args, " "), err, stderr.String())
	}
	return stdout.String(), nil
}

func (m *machine) must(stdin *bytes.Reader, args ...string) string {
	m.t.Helper()
	out, err := m.run(stdin, args...)
	if err != nil {
		m.t.Fatal(err)
	}
	return out
}

func (m *machine) sh(script string) string {
	m.t.Helper()
	return strings.TrimSpace(m.must(nil, "sh", "-c", script))
}

// verb runs a verb of the machine's side.
func (m *machine) verb(in any, verb string) (string, error) {
	m.t.Helper()
	text, err := json.Marshal(in)
	if err != nil {
		m.t.Fatal(err)
	}
	return m.run(bytes.NewReader(text), pushed, "node", verb)
}

func (m *machine) converge(s node.State) (changed []string) {
	m.t.Helper()
	out, err := m.verb(s, "converge")
	if err != nil {
		m.t.Fatal(err)
	}
	err = event.Decode(strings.NewReader(out), event.SinkFunc(func(e event.Event) {
		if e.Kind == event.Changed {
			changed = append(changed, e.Subject)
		}
	}))
	if err != nil {
		m.t.Fatal(err)
	}
	if left := m.diff(s); len(left) > 0 {
		m.t.Fatalf("after converge: %v", left)
	}
	return changed
}

func (m *machine) diff(s node.State) (ids []string) {
	m.t.Helper()
	for _, c := range m.changes(s) {
		ids = append(ids, string(c.Action)+" "+c.ID)
	}
	return ids
}

func (m *machine) changes(s node.State) (list []node.Change) {
	m.t.Helper()
	start := time.Now()
	out, err := m.verb(s, "diff")
	if err != nil {
		m.t.Fatal(err)
	}
	m.t.Logf("diff of %d resources: %v", len(s.Resources), time.Since(start).Round(time.Millisecond))
	if err := json.Unmarshal([]byte(out), &list); err != nil {
		m.t.Fatal(err)
	}
	return list
}

// snapshot is everything that destroy must leave as it was.
func (m *machine) snapshot(string) string {
	m.t.Helper()
	return m.sh(`find / -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /tmp -o -path /var/tmp -o -path /var/log/journal -o -path /var/lib/slipway \
		-o -path '/run/systemd' -o -path '/run/udev' -o -path /run/log -o -path /var/lib/systemd -o -path '/var/lib/private' \) -prune -o -printf '%p %y %m %U %l\n' | sort
		for d in /var/lib/containerd /var/lib/kubelet /var/lib/etcd; do find $d -mindepth 1; done
		find /run/systemd/system /etc/systemd -printf '%p\n' | sort
		ip -o link | sed 's/^[0-9]*: //; s/@.*//; s/:.*//' | sort; ip -o addr | awk '{print $2,$4}' | sort; ip route; nft list ruleset
		awk '{print $5}' /proc/self/mountinfo | sort
		find /sys/fs/cgroup -name 'kube*' -o -name k8s.io
		sysctl -a 2>/dev/null | grep -E '^(kernel.panic|vm.overcommit_memory|vm.panic_on_oom|kernel.keys|net.ipv4.ip_forward|net.ipv4.conf.all|net.bridge)' | sort
		systemctl list-units --all --plain --no-legend --type=service | awk '{print $1,$3}' | grep -v -e '^ssh@' -e '^systemd-' -e '^user' | sort`)
}

func text(path, content string) node.Resource {
	return node.Resource{File: &node.File{Path: path, Mode: 0o644, Content: []byte(content)}}
}

// probeUnit starts with what its configuration holds at that moment, and says so in /run/probe.seen.
const probeUnit = `[Unit]
Description=Probe
[Service]
Type=notify
NotifyAccess=all
ExecStart=/bin/sh -c 'cat /etc/probe.conf >/run/probe.seen; systemd-notify --ready; exec sleep infinity'
[Install]
WantedBy=multi-user.target
`

func probe(content, unit string) node.State {
	s := node.State{Version: node.StateVersion, Cluster: "one", Node: "n1"}
	for i := range 50 {
		s.Resources = append(s.Resources, text(fmt.Sprintf("/etc/probe.d/%d", i), "text"))
	}
	s.Resources = append(s.Resources,
		node.Resource{Sysctl: &node.Sysctl{Key: "net.ipv4.ip_forward", Value: "1"}},
		node.Resource{Sysctl: &node.Sysctl{Key: "net.netfilter.nf_conntrack_max", Value: "131072", Optional: true}},
		node.Resource{Module: &node.Module{Name: "br_netfilter"}}, node.Resource{Module: &node.Module{Name: "overlay"}},
		node.Resource{Swap: &node.Swap{}},
		text("/etc/probe.conf", content), text("/etc/systemd/system/probe.service", unit),
		node.Resource{Unit: &node.Unit{Name: "probe.service", RestartOn: []string{"file /etc/probe.conf", "file /etc/systemd/system/probe.service"}}})
	return s
}

func TestLab(t *testing.T) {
	m := newLabMachine(t)
	before := m.snapshot("before")
	for _, test := range []struct {
		name string
		run  func(*testing.T, *machine)
	}{
		{"facts", testFacts}, {"units", testUnits}, {"a failing unit", testFailingUnit}, {"kills", testKills},
		{"a cluster's data", testImages},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, &machine{t, m.lab}) })
	}
	t.Run("clean", func(t *testing.T) {
		m := &machine{t, m.lab}
		if out, err := m.verb(node.Cleaning{Cluster: "one", Purge: true, Addresses: []string{"10.80.0.100"}}, "clean"); err != nil {
			t.Fatal(out, err)
		}
		if d := cmp.Diff(before, m.snapshot("after")); d != "" {
			t.Error(d)
		}
		if out := m.sh("ls -d /var/lib/slipway* /run/lock/slipway* 2>/dev/null || true"); out != "" {
			t.Errorf("left: %s", out)
		}
	})
}

func testFacts(t *testing.T, m *machine) {
	out, err := m.verb(node.Look{Ask: node.Ask{Ports: []int{22, 6443}, Routes: []string{"10.80.0.1", "240.0.0.1"}}}, "observe")
	if err != nil {
		t.Fatal(err)
	}
	var seen node.Observation
	if err := json.Unmarshal([]byte(out), &seen); err != nil {
		t.Fatal(err)
	}
	f := seen.Facts
	f.Missing = slices.DeleteFunc(f.Missing, func(name string) bool { return strings.HasPrefix(name, "ip_vs") || name == "dummy" }) // ipvs mode's alone
	if !f.Systemd || f.Hostname != "n1" || f.Container != "systemd-nspawn" || f.InitialNetNS || f.Addresses["10.80.0.5"] != "eth0" ||
		f.MTU["eth0"] != 1500 || f.MachineID != m.sh("cat /etc/machine-id") || !strings.HasPrefix(f.OS, "Debian") || len(f.Missing)+len(f.Leftovers) > 0 ||
		!cmp.Equal(f.Resolvers, []string{"10.80.0.1"}) || !strings.HasPrefix(f.Ports[22], "sshd") || len(f.Ports) != 1 || f.DiskFree["/var/lib/etcd"] == 0 {
		t.Errorf("%+v", f)
	}
}

func testUnits(t *testing.T, m *machine) {
	s := probe("1", probeUnit)
	m.converge(s)
	started := func() string { return m.sh("systemctl show -P InvocationID probe.service") }
	first := started()
	if got := m.converge(s); len(got) > 0 || started() != first {
		t.Errorf("a second converge changed %v", got)
	}
	for name, drift := range map[string]string{
		"stopped": "systemctl stop probe", "disabled": "systemctl disable probe", "killed": "systemctl kill -s KILL probe; while systemctl is-active -q probe; do sleep 0.1; done",
		"masked": "systemctl stop probe; cp /etc/systemd/system/probe.service /run/; rm /etc/systemd/system/probe.service; systemctl mask probe",
	} {
		m.sh(drift)
		if got := m.diff(s); !slices.ContainsFunc(got, func(c string) bool { return strings.HasSuffix(c, " unit probe.service") }) {
			t.Errorf("%s: diff shows %v", name, got)
		}
		m.converge(s)
	}
	first = started()
	if got := m.converge(probe("2", probeUnit)); !cmp.Equal(got, []string{"file /etc/probe.conf", "unit probe.service"}) {
		t.Errorf("changed %v", got)
	}
	if started() == first || m.sh("cat /run/probe.seen") != "2" {
		t.Error("not restarted with its new configuration")
	}
	changed := strings.Replace(probeUnit, "Description=Probe", "Description=Other", 1)
	m.converge(probe("2", changed))
	if got := m.sh("systemctl show -P Description probe"); got != "Other" {
		t.Errorf("the unit's file was not read again: %s", got)
	}
}

func testFailingUnit(t *testing.T, m *machine) {
	bad := strings.Replace(probeUnit, "systemd-notify --ready", "echo no such luck; exit 3", 1)
	_, err := m.verb(probe("2", bad), "converge")
	if err == nil || !strings.Contains(err.Error(), "no such luck") || !strings.Contains(err.Error(), "unit probe.service") {
		t.Errorf("%v", err)
	}
	m.converge(probe("2", probeUnit))
}

// testKills checks what matters after a crash: that the unit runs with what the files say.
func testKills(t *testing.T, m *machine) {
	killed := 0
	for i := range 20 {
		s := probe(fmt.Sprint("round ", i), probeUnit+fmt.Sprintf("# round %d\n", i))
		if m.killed(s, 0.005+rand.Float64()*0.25) {
			killed++
		}
		m.converge(s)
		if got := m.sh("cat /run/probe.seen"); got != fmt.Sprint("round ", i) {
			t.Fatalf("round %d: the unit runs with %q", i, got)
		}
	}
	t.Logf("%d of 20 were killed before they were done", killed)
}

// killed converges and kills that after so many seconds, unless it was done before.
func (m *machine) killed(s node.State, after float64) bool {
	m.t.Helper()
	in, err := json.Marshal(s)
	if err != nil {
		m.t.Fatal(err)
	}
	cmd, err := m.lab.Command(context.Background(), "n1", "timeout", "-s", "KILL", fmt.Sprintf("%.3f", after), pushed, "node", "converge")
	if err != nil {
		m.t.Fatal(err)
	}
	cmd.Stdin = bytes.NewReader(in)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() == 1) {
		m.t.Fatalf("%v: %s", err, out)
	}
	return err != nil
}
