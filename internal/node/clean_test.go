//go:build linux

package node

import (
	"context"
	"errors"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/slipway/slipway/internal/layout"
)

// apart gives the test a network namespace of its own, for what it does to the network is real.
func apart(t *testing.T) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root, for a network namespace")
	}
	runtime.LockOSThread() // never unlocked: the thread ends with the test, and the namespace with it
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		t.Fatal(err)
	}
}

func (m Machine) tree(t *testing.T) string {
	t.Helper()
	out, err := output(context.Background(), nil, "sh", "-c", `cd "$0" && find . -mindepth 1 -not -path './proc*' -printf '%p %m %l\n' | sort`, m.Root)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestCleanLeavesTheMachineAsItWas(t *testing.T) {
	apart(t)
	m := newMachine(t)
	m.mustWrite(t, "/etc/theirs", "theirs")
	m.mustWrite(t, "/etc/fstab", "/dev/sda1 / ext4 defaults 0 1\n/dev/sda2 none swap sw 0 0\n")
	m.mustWrite(t, "/proc/sys/net/ipv4/ip_forward", "0\n")
	m.mustWrite(t, "/proc/sys/vm/overcommit_memory", "0\n")
	for _, d := range []string{"/var/lib/containerd", "/run/lock", "/sys"} {
		if err := os.MkdirAll(m.path(d), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	before := m.tree(t)
	s := state(dir("/etc/kubernetes"), file("/etc/kubernetes/admin.conf", "x"), dir("/var/lib/etcd"), file("/etc/theirs", "ours"),
		sysctl("net.ipv4.ip_forward", "1"), Resource{Swap: &Swap{}}, m.send(t, "/opt/cni/bin/bridge", "bridge"))
	converge(t, m, s)
	if got := m.mustRead(t, "/etc/fstab"); !strings.Contains(got, "\n#slipway# /dev/sda2") {
		t.Errorf("fstab: %q", got)
	}
	// What a running cluster does by itself.
	m.mustWrite(t, "/var/lib/containerd/x/y", "layer")
	m.mustWrite(t, "/var/lib/kubelet/pods/z", "pod")
	m.mustWrite(t, "/etc/kubernetes/kubelet.conf", "made by the kubelet")
	m.mustWrite(t, "/var/lib/etcd/member/wal", "data")
	m.mustWrite(t, "/proc/sys/vm/overcommit_memory", "1\n")

	if err := m.Clean(context.Background(), Cleaning{Cluster: "another"}); !errors.As(err, new(*ForeignError)) {
		t.Errorf("another cluster's: %v", err)
	}
	for range 2 { // a second time finds nothing to do
		if err := m.Clean(context.Background(), Cleaning{Cluster: "one", Purge: true}); err != nil {
			t.Fatal(err)
		}
	}
	if d := cmp.Diff(before, m.tree(t)); d != "" {
		t.Error(d)
	}
	if got := m.mustRead(t, "/etc/theirs") + m.mustRead(t, "/proc/sys/net/ipv4/ip_forward") + m.mustRead(t, "/proc/sys/vm/overcommit_memory"); got != "theirs0\n0\n" {
		t.Errorf("not put back: %q", got)
	}
	if got := m.mustRead(t, "/etc/fstab"); !strings.HasSuffix(got, "\n/dev/sda2 none swap sw 0 0\n") {
		t.Errorf("fstab: %q", got)
	}
}

func TestCleanMovesEtcdsDataAside(t *testing.T) {
	apart(t)
	m := newMachine(t)
	converge(t, m, state(dir("/var/lib/etcd")))
	m.mustWrite(t, "/var/lib/etcd/member/wal", "data")
	if err := m.Clean(context.Background(), Cleaning{}); err != nil {
		t.Fatal(err)
	}
	if got := m.tree(t); !strings.Contains(got, "/etcd/member/wal ") || strings.Contains(got, "./var/lib/etcd") {
		t.Errorf("%s", got)
	}
}

func TestCleanLeavesAMachineThatIsInNoCluster(t *testing.T) {
	m := newMachine(t)
	m.mustWrite(t, "/var/lib/kubelet/config.yaml", "another tool's")
	m.mustWrite(t, layout.Home+"/bin/slipway", "pushed")
	if err := m.Clean(context.Background(), Cleaning{}); err != nil {
		t.Fatal(err)
	}
	if !m.has("/var/lib/kubelet/config.yaml") || m.has(layout.Home) {
		t.Error(m.tree(t))
	}
}

func TestCleanRemovesOurRulesAndLinksOnly(t *testing.T) {
	apart(t)
	c, err := nftables.New()
	if err != nil {
		t.Fatal(err)
	}
	c.AddTable(&nftables.Table{Name: "kube-proxy", Family: nftables.TableFamilyIPv6})
	mine := c.AddTable(&nftables.Table{Name: "mine", Family: nftables.TableFamilyINet})
	c.AddChain(&nftables.Chain{Name: "KEPT", Table: mine})
	addIptables(c, "nat", false)   // nothing in it but ours
	addIptables(c, "filter", true) // the owner has a rule, too
	if err := c.Flush(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"cni0", "br0"} {
		if err := netlink.LinkAdd(&netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: name}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(removeNftables(), newMachine(t).removeLinks(nil, []string{"10.1.2.3"})); err != nil {
		t.Fatal(err)
	}
	var left []string
	tables, err := c.ListTables()
	if err != nil {
		t.Fatal(err)
	}
	chains, err := c.ListChains()
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range tables {
		left = append(left, table.Name)
	}
	for _, ch := range chains {
		rules, err := c.GetRules(ch.Table, ch)
		if err != nil {
			t.Fatal(err)
		}
		left = append(left, strings.Repeat("rule ", len(rules))+"in "+ch.Name)
	}
	if d := cmp.Diff([]string{"mine", "filter", "in KEPT", "rule in INPUT"}, left); d != "" {
		t.Error(d)
	}
	if _, err := netlink.LinkByName("cni0"); err == nil {
		t.Error("cni0 is left")
	}
	if _, err := netlink.LinkByName("br0"); err != nil {
		t.Error("br0 is gone")
	}
}

// addIptables makes a table as iptables and kube-proxy would, with a chain that is jumped to.
func addIptables(c *nftables.Conn, name string, theirs bool) {
	table := c.AddTable(&nftables.Table{Name: name, Family: nftables.TableFamilyIPv4})
	ours := c.AddChain(&nftables.Chain{Name: "KUBE-SERVICES", Table: table})
	other := c.AddChain(&nftables.Chain{Name: "CNI-X", Table: table})
	input := c.AddChain(&nftables.Chain{Name: "INPUT", Table: table, Type: nftables.ChainTypeFilter, Hooknum: nftables.ChainHookInput, Priority: nftables.ChainPriorityFilter})
	jump := func(from *nftables.Chain, to string) {
		c.AddRule(&nftables.Rule{Table: table, Chain: from, Exprs: []expr.Any{&expr.Counter{}, &expr.Verdict{Kind: expr.VerdictJump, Chain: to}}})
	}
	jump(input, "KUBE-SERVICES")
	jump(ours, "CNI-X")
	c.AddRule(&nftables.Rule{Table: table, Chain: other, Exprs: []expr.Any{&expr.Verdict{Kind: expr.VerdictReturn}}})
	if theirs {
		c.AddRule(&nftables.Rule{Table: table, Chain: input, Exprs: []expr.Any{&expr.Counter{}, &expr.Verdict{Kind: expr.VerdictAccept}}})
	}
}
