//go:build lab && linux

package node_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway/slipway/internal/node"
)

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
