package preflight

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/version"

	"github.com/slipway/slipway/internal/spec"
)

// nftablesKernel is the oldest that kube-proxy's nftables mode accepts.
// https://kubernetes.io/docs/reference/networking/virtual-ips/#proxy-mode-nftables
const nftablesKernel = "5.13"

// choice is what a network setting needs of the kernel.
type choice struct {
	features []string
	chosen   func(spec.Network) bool
	remedy   string // what else would do
}

func choices() []choice {
	return []choice{
		{[]string{"vxlan"}, func(n spec.Network) bool { return n.Backend == "vxlan" },
			`, or write backend = "host-gw" in the network block, where all nodes share one link`},
		{[]string{"nft_chain_nat", "nft_masq", "nft_numgen"}, func(n spec.Network) bool { return n.Proxy == "nftables" },
			`, or write proxy = "iptables" in the network block`},
		// iptables is Debian's, which writes nftables' rules; ipvs mode translates addresses with it.
		{[]string{"nft_compat", "xt_comment", "xt_conntrack", "xt_nat", "xt_statistic"}, func(n spec.Network) bool { return n.Proxy != "nftables" },
			`, or write proxy = "nftables" in the network block`},
		{[]string{"ip_vs", "ip_vs_rr", "ip_vs_wrr", "ip_vs_sh", "dummy", "ip_set", "xt_set"}, func(n spec.Network) bool { return n.Proxy == "ipvs" },
			`, or write proxy = "nftables" in the network block`},
	}
}

func (j *judge) kernel() {
	const remedy = "install the distribution's standard kernel and its modules package"
	network := j.cluster.Network
	for _, feature := range j.machine.Facts.Missing {
		i := slices.IndexFunc(choices(), func(c choice) bool { return slices.Contains(c.features, feature) })
		switch {
		case i < 0:
			j.fail(remedy+", or the named program", "%s is missing", feature)
		case j.machine.Node.Role != spec.LoadBalancer && choices()[i].chosen(network):
			j.fail(remedy+choices()[i].remedy, "%s is missing", feature)
		}
	}
	if j.machine.Node.Role != spec.LoadBalancer && network.Proxy == "nftables" && older(j.machine.Facts.Kernel, nftablesKernel) {
		j.fail(`install a newer kernel, or write proxy = "iptables" in the network block`,
			"kernel %s, and kube-proxy's nftables mode needs %s", j.machine.Facts.Kernel, nftablesKernel)
	}
	if len(j.machine.Facts.Swap) > 0 {
		j.warn("apply turns it off and keeps it off over reboots; destroy turns it on again", "swap is on: %s", strings.Join(j.machine.Facts.Swap, ", "))
	}
}

// older reports whether a release such as 5.10.0-28-cloud-amd64 is before a version; an unreadable one is not.
func older(release, than string) bool {
	v, err := version.ParseGeneric(release)
	return err == nil && v.LessThan(version.MustParseGeneric(than))
}
