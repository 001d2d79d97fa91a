package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strings"

	"github.com/flannel-io/flannel/pkg/ip"
	"github.com/flannel-io/flannel/pkg/lease"
	"github.com/flannel-io/flannel/pkg/subnet"
	"github.com/flannel-io/flannel/pkg/trafficmngr"
	"github.com/flannel-io/flannel/pkg/trafficmngr/iptables"
	"github.com/flannel-io/flannel/pkg/trafficmngr/nftables"
	"k8s.io/klog/v2"
)

// resyncSeconds is how often iptables rules that others removed are put back.
const resyncSeconds = 5

// previous is what the rules on this machine were made for, if an earlier run left any.
type previous struct{ network, subnet ip.IP4Net }

// raiseFirewall masquerades what pods send out of the cluster and lets their traffic be forwarded,
// with the tool the configuration chooses; the other tool's rules, of a run with another
// configuration, go away first. The rules stay when this process ends: pods go on.
func raiseFirewall(ctx context.Context, config *subnet.Config, was previous, own *lease.Lease) error {
	if err := checkBridgedTraffic(bridgeSysctl); err != nil {
		return err
	}
	if err := cleanOther(ctx, config.EnableNFTables); err != nil {
		return err
	}
	manager := trafficManager(config.EnableNFTables)
	if err := manager.Init(ctx); err != nil {
		return fmt.Errorf("firewall: %w", err)
	}
	var none ip.IP6Net
	err := manager.SetupAndEnsureMasqRules(ctx, config.Network, was.subnet, was.network,
		none, none, none, own, resyncSeconds, false)
	if err != nil {
		return fmt.Errorf("masquerade rules: %w", err)
	}
	manager.SetupAndEnsureForwardRules(ctx, config.Network, none, resyncSeconds)
	if config.EnableNFTables {
		return checkTables(ctx) // upstream only logs that forward rules failed
	}
	return nil
}

func trafficManager(useNFTables bool) trafficmngr.TrafficManager {
	if useNFTables {
		return &nftables.NFTablesManager{}
	}
	return &iptables.IPTablesManager{}
}

// cleanOther is for a machine whose tool was changed. Without the other tool there is no way to
// remove its rules, and most likely there are none.
func cleanOther(ctx context.Context, useNFTables bool) error {
	tool := "nft"
	if useNFTables {
		tool = "iptables"
	}
	if _, err := exec.LookPath(tool); err != nil {
		klog.Infof("no %s here, so no rules of it are looked for", tool)
		return nil
	}
	if err := trafficManager(!useNFTables).CleanUp(ctx); err != nil {
		return fmt.Errorf("remove rules of %s: %w", tool, err)
	}
	return nil
}

const bridgeSysctl = "/proc/sys/net/bridge/bridge-nf-call-iptables"

// checkBridgedTraffic finds out whether packets between two pods of one node pass the firewall.
// If not, a Service that leads back to the same node does not answer, with either tool: the reply
// would cross the bridge without its address being translated back.
func checkBridgedTraffic(sysctl string) error {
	text, err := os.ReadFile(sysctl)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is missing: load the kernel module br_netfilter", sysctl)
	}
	if err != nil {
		return fmt.Errorf("bridged traffic: %w", err)
	}
	if strings.TrimSpace(string(text)) != "1" {
		return fmt.Errorf("%s is %s: set it to 1, or Services do not reach pods of the same node",
			sysctl, strings.TrimSpace(string(text)))
	}
	return nil
}
