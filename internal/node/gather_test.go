//go:build linux

package node

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFactsOfThisMachine(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).Port
	f, err := Machine{}.Facts(context.Background(), Ask{Ports: []int{port, 1}, Routes: []string{"127.0.0.1", "nowhere"}, Programs: []string{"none", "node.test"}, Schedules: []string{"*-*-* 02:00:00 UTC", "02:00 Nowhere/City"}})
	if err != nil {
		t.Fatal(err)
	}
	name, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	if f.Hostname != name || f.Addresses["127.0.0.1"] != "lo" || f.MTU["lo"] == 0 || f.MemoryBytes < 1<<26 || f.DiskTotal["/var/lib/etcd"] < f.DiskFree["/var/lib/etcd"] || f.BootID == "" {
		t.Errorf("%+v", f)
	}
	for path := range f.DiskFree { // where two are one, so is the space
		if f.FileSystem[path] == f.FileSystem["/"] && f.DiskTotal[path] != f.DiskTotal["/"] || f.FileSystem[path] == 0 {
			t.Errorf("%s: file system %d, total %d; /: %d, %d", path, f.FileSystem[path], f.DiskTotal[path], f.FileSystem["/"], f.DiskTotal["/"])
		}
	}
	if d := cmp.Diff(map[string]string{"nowhere": "not an address"}, f.Unreachable); d != "" {
		t.Error(d)
	}
	if why, refused := f.Schedules["02:00 Nowhere/City"]; !refused || len(f.Schedules) != 1 || !strings.Contains(why, "systemd-analyze calendar") {
		t.Errorf("%q", f.Schedules)
	}
	if d := cmp.Diff([]string{"node.test"}, f.Running); d != "" {
		t.Error(d)
	}
	if len(f.Ports) != 1 || !strings.Contains(f.Ports[port], "node.test") {
		t.Errorf("ports: %v", f.Ports)
	}
}

func TestResolver(t *testing.T) {
	for name, test := range map[string]struct {
		etc, systemd, want string
		servers            []string
	}{
		"plain":                {"nameserver 10.0.0.1\nsearch x\n", "", "/etc/resolv.conf", []string{"10.0.0.1"}},
		"stub of resolved":     {"nameserver 127.0.0.53\n", "nameserver 10.0.0.2\nnameserver fd00::1\n", systemdResolvConf, []string{"10.0.0.2", "fd00::1"}},
		"own resolver":         {"nameserver 127.0.0.1\n", "", "/etc/resolv.conf", nil},
		"no resolver":          {"", "", "", nil},
		"stub without servers": {"nameserver 127.0.0.53\n", "# none\n", systemdResolvConf, nil},
	} {
		m := newMachine(t)
		for path, content := range map[string]string{"/etc/resolv.conf": test.etc, systemdResolvConf: test.systemd} {
			if content != "" {
				m.mustWrite(t, path, content)
			}
		}
		var f Facts
		m.resolver(&f)
		if f.ResolvConf != test.want || !cmp.Equal(f.Resolvers, test.servers) {
			t.Errorf("%s: %s %v", name, f.ResolvConf, f.Resolvers)
		}
	}
}

func TestLeftovers(t *testing.T) {
	m := newMachine(t)
	if got := m.leftovers(); len(got) > 0 {
		t.Errorf("bare: %v", got)
	}
	for _, path := range []string{"/etc/kubernetes/admin.conf", "/etc/kubernetes/pki/ca.crt", "/var/lib/etcd/member/wal", "/etc/rancher/k3s/k3s.yaml", "/etc/kubernetes/notes.txt"} {
		m.mustWrite(t, path, "")
	}
	want := []string{"/etc/kubernetes/admin.conf", "/etc/kubernetes/pki/ca.crt", "/etc/rancher/k3s", "/var/lib/etcd/member"}
	if d := cmp.Diff(want, m.leftovers()); d != "" {
		t.Error(d)
	}
	for _, pattern := range traces {
		if _, err := filepath.Glob(pattern); err != nil {
			t.Errorf("%s: %v", pattern, err)
		}
	}
}

func TestKernelModules(t *testing.T) {
	m := newMachine(t)
	m.mustWrite(t, "/proc/modules", "overlay 1 0 - Live 0x0\n")
	m.mustWrite(t, "/sys/module/overlay/refcnt", "0")
	k, err := m.kernel()
	if err != nil {
		t.Fatal(err)
	}
	m.mustWrite(t, "/lib/modules/"+k.release+"/modules.builtin", "kernel/net/bridge/bridge.ko\n")
	m.mustWrite(t, "/lib/modules/"+k.release+"/modules.dep", "kernel/net/bridge/br_netfilter.ko.xz: kernel/x.ko\nkernel/drivers/net/veth.ko:\n")
	for name, want := range map[string][3]bool{ // there, built in, loadable
		"overlay": {true, false, false}, "bridge": {true, true, false}, "br-netfilter": {false, false, true}, "veth": {false, false, true}, "vxlan": {false, false, false},
	} {
		if got := [3]bool{k.has(name), k.builtin(name), k.loadable(name)}; got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	want := append(append([]string{"nf_conntrack", "nf_tables", "vxlan"}, features[7:]...), onDemand[:]...)
	if got := k.missing()[:len(want)]; !cmp.Equal(got, want) {
		t.Errorf("missing: %v, want %v", got, want)
	}
	// A container on another's kernel has no lists: what that kernel loads on demand may well be there.
	if err := os.Remove(m.path("/lib/modules", k.release, "modules.dep")); err != nil {
		t.Fatal(err)
	}
	if got := k.missing(); slices.Contains(got, "nft_masq") || !slices.Contains(got, "veth") {
		t.Errorf("missing without lists: %v", got)
	}
}

func TestUnitStatus(t *testing.T) {
	got := parseUnitStatus("Id=a.service\nLoadState=loaded\nActiveState=activating\nSubState=auto-restart\nUnitFileState=enabled\nNeedDaemonReload=yes")
	if want := (unitStatus{"loaded", "activating", "auto-restart", "enabled", true, ""}); got != want {
		t.Errorf("%+v", got)
	}
	if s := got.String(); s != "activating (auto-restart), enabled" {
		t.Error(s)
	}
}
