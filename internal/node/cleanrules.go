//go:build linux

package node

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
)

// ourChains are prefixes of the chains that kube-proxy, the kubelet and network plugins make in
// tables which are iptables' or the owner's.
var ourChains = [...]string{"KUBE-", "CNI-", "FLANNEL-"}

func ourChain(name string) bool {
	return slices.ContainsFunc(ourChains[:], func(prefix string) bool { return strings.HasPrefix(name, prefix) })
}

// ourTable reports whether a table of nftables is wholly kube-proxy's, the pod network's, portmap's or a drill's.
func ourTable(name string) bool {
	return name == "kube-proxy" || name == severTable || strings.HasPrefix(name, "flannel-") || name == "cni_hostport" || name == "cni_plugins_masquerade"
}

// removeRules removes packet filter rules without any program of the machine's, except for those
// of the old iptables, which only its own program can edit.
func (m Machine) removeRules(ctx context.Context) error {
	k, err := m.kernel()
	if err != nil {
		return err
	}
	if k.has("nf_tables") {
		if err := removeNftables(); err != nil {
			return fmt.Errorf("nftables: %w", err)
		}
	}
	return errors.Join(
		m.removeLegacy(ctx, "/proc/net/ip_tables_names", "iptables-legacy"),
		m.removeLegacy(ctx, "/proc/net/ip6_tables_names", "ip6tables-legacy"))
}

// removeNftables is one transaction: all or nothing.
func removeNftables() error {
	c, err := nftables.New()
	if err != nil {
		return err
	}
	tables, err := c.ListTables()
	if err != nil {
		return err
	}
	chains, err := c.ListChains()
	if err != nil {
		return err
	}
	for _, t := range tables {
		if ourTable(t.Name) {
			c.DelTable(t)
			continue
		}
		if err := removeChains(c, t, slices.DeleteFunc(slices.Clone(chains), func(ch *nftables.Chain) bool {
			return ch.Table.Name != t.Name || ch.Table.Family != t.Family
		})); err != nil {
			return err
		}
	}
	return c.Flush()
}

// removeChains removes our chains of t and the jumps to them. A table of iptables in which nothing
// else is left goes as a whole: it was made for us.
func removeChains(c *nftables.Conn, t *nftables.Table, chains []*nftables.Chain) error {
	ours, others := 0, 0
	var jumps []*nftables.Rule
	for _, ch := range chains {
		if ourChain(ch.Name) {
			ours++
			continue
		}
		rules, err := c.GetRules(t, ch)
		if err != nil {
			return fmt.Errorf("rules of %s %s: %w", t.Name, ch.Name, err)
		}
		for _, r := range rules {
			if jumpsToOurs(r) {
				jumps = append(jumps, r)
			} else {
				others++
			}
		}
		if ch.Hooknum == nil || ch.Policy != nil && *ch.Policy != nftables.ChainPolicyAccept {
			others++ // the owner's own chain or policy
		}
	}
	iptables := slices.Contains([]string{"filter", "nat", "mangle", "raw", "security"}, t.Name) &&
		(t.Family == nftables.TableFamilyIPv4 || t.Family == nftables.TableFamilyIPv6)
	switch {
	case ours == 0 && len(jumps) == 0:
		return nil
	case others == 0 && iptables:
		c.DelTable(t)
		return nil
	}
	for _, r := range jumps {
		if err := c.DelRule(r); err != nil {
			return err
		}
	}
	// All are emptied before any is removed, for they jump to each other.
	for _, remove := range []func(*nftables.Chain){c.FlushChain, c.DelChain} {
		for _, ch := range chains {
			if ourChain(ch.Name) {
				remove(ch)
			}
		}
	}
	return nil
}

func jumpsToOurs(r *nftables.Rule) bool {
	return slices.ContainsFunc(r.Exprs, func(e expr.Any) bool {
		v, ok := e.(*expr.Verdict)
		return ok && ourChain(v.Chain)
	})
}

// removeLegacy edits the old iptables' tables, where the kernel holds any.
func (m Machine) removeLegacy(ctx context.Context, names, program string) error {
	if b, err := os.ReadFile(m.path(names)); err != nil || len(b) == 0 {
		return nil // no such tables
	}
	if _, err := exec.LookPath(program + "-save"); err != nil {
		return nil // then nobody here made any
	}
	rules, err := output(ctx, nil, program+"-save")
	if err != nil {
		return err
	}
	var kept strings.Builder
	lines := bufio.NewScanner(strings.NewReader(rules))
	dropped := false
	for lines.Scan() {
		line := lines.Text()
		if slices.ContainsFunc(strings.Fields(line), func(word string) bool { return ourChain(strings.TrimPrefix(word, ":")) }) {
			dropped = true
			continue
		}
		fmt.Fprintln(&kept, line)
	}
	if !dropped {
		return lines.Err()
	}
	_, err = output(ctx, strings.NewReader(kept.String()), program+"-restore")
	return errors.Join(lines.Err(), err)
}
