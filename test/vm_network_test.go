//go:build vm

package test

import (
	"context"
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// countPackets has a machine count, from now on and again from the first moment after each boot, what it sends and gets on Vagrant's
// interface, VRRP (112) as well. Vagrant's own SSH, DHCP and the names that the resolver behind it is asked for do not count. Nor do
// attempts to reach a Service between boot and kube-proxy's start, which follow the default route on any cluster, and are told of.
func (v *vms) countPackets(m string) {
	v.ssh(m, `sudo sh -ec '
cat >/etc/nftables.conf <<RULES
table inet watch {
	counter nat { }
	counter unanswered { }
	counter private { }
	chain seen {
		meta l4proto { tcp, udp } th dport { 22, 53, 67, 68 } return
		meta l4proto { tcp, udp } th sport { 22, 53, 67, 68 } return
		ip daddr 10.96.0.0/16 meta oifname eth0 counter name unanswered return
		meta l4proto { tcp, udp, 112 } meta iifname eth0 counter name nat log prefix "on the NAT: "
		meta l4proto { tcp, udp, 112 } meta oifname eth0 counter name nat log prefix "on the NAT: "
		udp dport 8472 meta iifname eth1 counter name private
	}
	chain in { type filter hook prerouting priority -400; jump seen; }
	chain out { type filter hook postrouting priority 400; jump seen; }
}
RULES
systemctl enable --now --quiet nftables'`)
}

// trafficIsPrivate checks the addresses that each part of the cluster goes by, then what really went where.
func (v *vms) trafficIsPrivate() {
	v.addressesArePrivate()
	number := regexp.MustCompile(`counter (nat|private|unanswered) \{\s+packets (\d+)`)
	for m, out := range v.onEach("sudo nft list counters table inet watch; sudo dmesg | grep 'on the NAT: ' | tail -3; sudo bridge fdb show dev flannel.1") {
		counted := map[string]string{}
		for _, found := range number.FindAllStringSubmatch(out, -1) {
			counted[found[1]] = found[2]
		}
		v.t.Logf("%s: %s packets on the NAT, %s of VXLAN received on the private network, %s to Services that kube-proxy did not have yet", m, counted["nat"], counted["private"], counted["unanswered"])
		if counted["nat"] != "0" || counted["private"] == "" || counted["private"] == "0" {
			v.t.Errorf("%s: want none on the NAT, and some of VXLAN on the private network:\n%s", m, out)
		}
		for _, found := range regexp.MustCompile(`dst (\S+)`).FindAllStringSubmatch(out, -1) {
			v.wantPrivate(m+"'s VXLAN neighbour", found[1])
		}
	}
}

func (v *vms) addressesArePrivate() {
	t, ctx := v.t, context.Background()
	client := v.client()
	nodes, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range nodes.Items {
		for _, a := range n.Status.Addresses {
			if a.Type != corev1.NodeHostName {
				v.wantPrivate(n.Name+"'s "+string(a.Type), a.Address)
			}
		}
		v.wantPrivate(n.Name+"'s address in the pod network", n.Annotations["flannel.alpha.coreos.com/public-ip"])
	}
	slices, err := client.DiscoveryV1().EndpointSlices("default").List(ctx, metav1.ListOptions{LabelSelector: "kubernetes.io/service-name=kubernetes"})
	if err != nil {
		t.Fatal(err)
	}
	advertised := 0
	for _, s := range slices.Items {
		for _, e := range s.Endpoints {
			v.wantPrivate("an API server's advertised address", e.Addresses[0])
			advertised++
		}
	}
	members := v.ssh("cp-1", "sudo etcdctl --endpoints https://127.0.0.1:2379 --cacert /etc/kubernetes/pki/etcd/ca.crt --cert /etc/kubernetes/pki/etcd/healthcheck-client.crt --key /etc/kubernetes/pki/etcd/healthcheck-client.key member list")
	urls := regexp.MustCompile(`https://([^:]+):(?:2379|2380)`).FindAllStringSubmatch(members, -1)
	for _, url := range urls {
		v.wantPrivate("an etcd member's URL", url[1])
	}
	if controlPlanes := strings.Count(strings.Join(v.names(), " "), "cp-"); advertised != controlPlanes || len(urls) < 2*controlPlanes {
		t.Errorf("%d advertised addresses and %d URLs of etcd for %d control planes:\n%s", advertised, len(urls), controlPlanes, members)
	}
	holders := 0
	for m, out := range v.onEach("ip -o -4 address show to " + v.net + ".100; sudo ss -Htn state established") {
		if strings.Contains(out, " "+v.net+".100/") {
			holders++
			if !strings.Contains(out, ": eth1 ") {
				t.Errorf("%s holds the shared address elsewhere than on the private network:\n%s", m, out)
			}
		}
		for _, line := range strings.Split(out, "\n") {
			if strings.Contains(line, "10.0.2.15:") || strings.Contains(line, "192.168.121.") && !strings.Contains(line, ":22 ") {
				t.Errorf("%s has a connection over the NAT: %s", m, line)
			}
		}
	}
	if holders != 1 {
		t.Errorf("%d machines hold the shared address", holders)
	}
}

func (v *vms) wantPrivate(what, address string) {
	v.t.Helper()
	a, err := netip.ParseAddr(address)
	if err != nil || !netip.MustParsePrefix(v.net+".0/24").Contains(a) {
		v.t.Errorf("%s is %q, which is not on the private network", what, address)
	}
}

// ipvsAnswers asks Services by their addresses from every machine: the API, and CoreDNS, whose pods are on one machine or another;
// and looks up that the kernel's virtual servers answer, not some other mode's rules.
func (v *vms) ipvsAnswers() {
	const servers = `grep -cE "TCP +0A600001:01BB" /proc/net/ip_vs; grep -cE "UDP +0A60000A:0035" /proc/net/ip_vs; ip -o -4 address show dev kube-ipvs0`
	const ask = `curl -sk --max-time 20 https://10.96.0.1/readyz; echo; curl -s --max-time 20 http://10.96.0.10:9153/metrics | grep -c ^coredns_build_info`
	for _, m := range v.names() {
		v.eventually(5*time.Minute, "Services on "+m, func() error {
			out, err := v.trySSH(m, ask)
			if err == nil && out != "ok\n1\n" {
				err = fmt.Errorf("they answer %q", out)
			}
			return err
		})
	}
	for m, out := range v.onEach("sudo sh -c '" + servers + "'; lsmod; cat /etc/modules-load.d/*.conf") {
		if !strings.HasPrefix(out, "1\n1\n") {
			v.t.Errorf("%s: the Services of the API and of DNS are no virtual servers of ipvs:\n%s", m, out)
		}
		for _, want := range []string{" 10.96.0.1/32 ", " 10.96.0.10/32 ", "\nip_vs ", "\nip_vs_rr ", "\nip_vs\n", "\nip_vs_rr\n", "\nip_vs_wrr\n", "\nip_vs_sh\n"} {
			if !strings.Contains(out, want) {
				v.t.Errorf("%s: no %q in addresses, loaded modules and those to load on boot:\n%s", m, want, out)
			}
		}
	}
}
