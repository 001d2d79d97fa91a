//go:build linux

package node

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestAParameterComesWithItsModule: on a stock kernel the bridge's parameters are not there before br_netfilter is
// loaded. A first plan must show them, and a first converge set them.
func TestAParameterComesWithItsModule(t *testing.T) {
	m := newMachine(t)
	m.mustWrite(t, "/proc/modules", "overlay 1 0 - Live 0x0\n")
	bin := t.TempDir()
	modprobe := `#!/bin/sh
[ "$*" = "-- br_netfilter" ] || exit 1
mkdir -p "` + m.Root + `/sys/module/br_netfilter" "` + m.Root + `/proc/sys/net/bridge"
echo 0 >"` + m.Root + `/proc/sys/net/bridge/bridge-nf-call-iptables"
echo 0 >"` + m.Root + `/proc/sys/net/bridge/bridge-nf-call-ip6tables"
`
	if err := os.WriteFile(filepath.Join(bin, "modprobe"), []byte(modprobe), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	optional := sysctl("net.bridge.bridge-nf-call-ip6tables", "1")
	optional.Sysctl.Optional = true
	s := state(Resource{Module: &Module{Name: "br_netfilter"}}, sysctl("net.bridge.bridge-nf-call-iptables", "1"), optional)

	changes, err := m.Diff(context.Background(), s)
	if err != nil || len(changes) != 2 || changes[1].ID != "sysctl net.bridge.bridge-nf-call-iptables" {
		t.Fatalf("before: %+v, %v", changes, err)
	}
	converge(t, m, s)
	if got := m.mustRead(t, "/proc/sys/net/bridge/bridge-nf-call-iptables"); got != "1\n" {
		t.Errorf("set to %q", got)
	}
	if changes, err := m.Diff(context.Background(), s); err != nil || len(changes) > 0 {
		t.Errorf("after: %+v, %v", changes, err)
	}
	// The next boot loads it again; where that was lost, it is a change to make.
	if got := m.mustRead(t, modulesConf); !strings.Contains(got, "\nbr_netfilter\n") {
		t.Errorf("%s: %q", modulesConf, got)
	}
	m.mustWrite(t, modulesConf, "")
	if changes, err := m.Diff(context.Background(), s); err != nil || len(changes) != 1 || changes[0].Reason != "not loaded on boot" {
		t.Errorf("without its line: %+v, %v", changes, err)
	}
}

// TestAParameterThatNoModuleBrings is an error still, once the modules are there.
func TestAParameterThatNoModuleBrings(t *testing.T) {
	m := newMachine(t)
	m.mustWrite(t, "/proc/modules", "")
	m.mustWrite(t, "/sys/module/br_netfilter/refcnt", "0")
	s := state(Resource{Module: &Module{Name: "br_netfilter"}}, sysctl("net.none", "1"))
	if err := m.Converge(context.Background(), s); err == nil {
		t.Error("a parameter that is not there was set")
	}
}
