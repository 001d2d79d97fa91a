//go:build lab || torture

package test

import (
	"strings"

	"github.com/pmezard/go-difflib/difflib"
)

// inventory lists what a cluster could leave on a machine: files, mounts, interfaces, addresses, routes, rules, units,
// processes of a cluster's and kernel parameters. What every machine changes by itself is left out.
func (c *cluster) inventory(machine string) string {
	c.t.Helper()
	const script = `
echo "== files"
find / -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /run -o -path /tmp -o -path /var/tmp -o -path /var/log/journal -o -path /var/cache -o -path /root/.cache \) -prune -o \
  -printf '%M %u %p\n' | grep -v -e ' /var/log/\(wtmp\|btmp\|lastlog\|faillog\)$' -e ' /var/lib/systemd/' -e ' /var/lib/dbus' -e ' /var/lib/private' | sort -k3
find /var/lib/containerd /var/lib/kubelet /var/lib/etcd -printf '%M %u %p\n' 2>/dev/null | sort -k3
echo "== hashes of /etc"
find /etc -xdev -type f -exec sha256sum {} + | sort -k2
echo "== mounts"
awk '{print $2, $3}' /proc/self/mounts | sort
echo "== interfaces"
ip -o link | sed 's/^[0-9]*: //; s/@.*//; s/:.*//' | sort
ip -o address | awk '{print $2, $4}' | sort
ip route; ip rule
echo "== rules"
nft list ruleset 2>/dev/null
iptables-legacy-save 2>/dev/null | grep -v '^#'
echo "== units"
ls /etc/systemd/system /etc/systemd/system/multi-user.target.wants
echo "== processes"
ps -eo comm= | grep -E 'kube|containerd|etcd|haproxy|keepalived|coredns|flannel|pause' | sort
echo "== parameters"
sysctl -n net.ipv4.ip_forward net.ipv4.ip_nonlocal_bind
`
	return c.exec(machine, "bash", "-c", script)
}

func diff(before, after string) string {
	text, err := difflib.GetUnifiedDiffString(difflib.UnifiedDiff{
		A: difflib.SplitLines(before), B: difflib.SplitLines(after), FromFile: "before", ToFile: "after", Context: 0,
	})
	if err != nil {
		return err.Error()
	}
	if lines := strings.Split(text, "\n"); len(lines) > 80 {
		text = strings.Join(lines[:80], "\n") + "\n…"
	}
	return text
}
