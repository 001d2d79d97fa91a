//go:build linux

package node

import (
	"os"
	"runtime"
	"slices"
	"strings"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// features are what nodes may need of their kernel, by the names of the modules that give them. Which of
// them this one needs is the operator's to judge.
var features = [...]string{
	"overlay", "br_netfilter", "bridge", "veth", "nf_conntrack", "nf_tables", "vxlan",
	"ip_vs", "ip_vs_rr", "ip_vs_wrr", "ip_vs_sh", "dummy",
}

// onDemand are features that the kernel loads by itself when a rule names them. Where there is no list of modules, as in
// a container, none of them can be told to be missing.
var onDemand = [...]string{
	"nft_chain_nat", "nft_masq", "nft_numgen", // kube-proxy's nftables mode: translate, choose at random
	"nft_compat", "xt_comment", "xt_conntrack", "xt_nat", "xt_statistic", // iptables in Debian's form, over nftables
	"ip_set", "xt_set", // kube-proxy's ipvs mode
}

// probe tries a feature for real on a kernel without loadable modules. known is false for a
// module that there is no way to try.
func (k kernel) probe(module string) (works, known bool) {
	switch module {
	case "overlay":
		b, err := os.ReadFile(k.m.path("/proc/filesystems"))
		return err == nil && slices.Contains(strings.Fields(string(b)), "overlay"), true
	case "br_netfilter":
		_, err := os.Stat(k.m.path("/proc/sys/net/bridge/bridge-nf-call-iptables"))
		return err == nil, true
	case "bridge":
		return worksApart(func() error {
			return netlink.LinkAdd(&netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: "probe"}})
		}), true
	case "veth":
		return worksApart(func() error {
			return netlink.LinkAdd(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "probe"}, PeerName: "peer"})
		}), true
	case "vxlan":
		return worksApart(func() error {
			return netlink.LinkAdd(&netlink.Vxlan{LinkAttrs: netlink.LinkAttrs{Name: "probe"}, VxlanId: 1, Port: 8472})
		}), true
	case "nf_tables":
		return worksApart(askNftables), true
	case "nf_conntrack":
		_, err := os.Stat(k.m.path("/proc/sys/net/netfilter/nf_conntrack_max"))
		return err == nil, true
	case "ip_vs":
		return worksApart(askIPVS), true
	case "dummy":
		return worksApart(func() error {
			return netlink.LinkAdd(&netlink.Dummy{LinkAttrs: netlink.LinkAttrs{Name: "probe"}})
		}), true
	}
	return false, false
}

// worksApart runs try in a network namespace of its own, so that the machine's is not touched.
func worksApart(try func() error) bool {
	result := make(chan bool)
	go func() {
		// The thread is never unlocked: it ends with this goroutine, and the namespace with it.
		runtime.LockOSThread()
		result <- unix.Unshare(unix.CLONE_NEWNET) == nil && try() == nil
	}()
	return <-result
}

// askNftables asks for the generation of the rule set, which any nf_tables can tell.
func askNftables() error {
	const getGeneration = unix.NFNL_SUBSYS_NFTABLES<<8 | unix.NFT_MSG_GETGEN
	request := nl.NewNetlinkRequest(getGeneration, unix.NLM_F_ACK)
	request.AddData(&nl.Nfgenmsg{NfgenFamily: unix.AF_UNSPEC, Version: nl.NFNETLINK_V0})
	_, err := request.Execute(unix.NETLINK_NETFILTER, 0)
	return err
}

// askIPVS asks for the family of messages that configures IPVS.
func askIPVS() error {
	_, err := netlink.GenlFamilyGet("IPVS")
	return err
}
