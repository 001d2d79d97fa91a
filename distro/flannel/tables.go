package main

import (
	"context"
	"fmt"
	"time"

	"k8s.io/klog/v2"
	"sigs.k8s.io/knftables"
)

// tablesPoll is how often the rules are looked for. Unlike iptables' they are not put back by
// flannel's own code, and "nft flush ruleset" is what restarting Debian's nftables.service does.
const tablesPoll = 10 * time.Second

// flannelTable and flannelChains are the names flannel's nftables code uses; it does not export them.
const flannelTable = "flannel-ipv4"

func flannelChains() []string { return []string{"forward", "postrtg"} }

// checkTables tells whether flannel's rules are in the kernel.
func checkTables(ctx context.Context) error {
	nft, err := knftables.New(knftables.IPv4Family, flannelTable)
	if err != nil {
		return fmt.Errorf("nftables: %w", err)
	}
	for _, chain := range flannelChains() {
		rules, err := nft.ListRules(ctx, chain)
		if err != nil {
			return fmt.Errorf("nftables rules of table %s, chain %s: %w", flannelTable, chain, err)
		}
		if len(rules) == 0 {
			return fmt.Errorf("nftables table %s, chain %s is empty", flannelTable, chain)
		}
	}
	return nil
}

// keepTables calls raise again whenever the rules are gone, until ctx ends.
func keepTables(ctx context.Context, raise func() error) error {
	ticker := time.NewTicker(tablesPoll)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		missing := checkTables(ctx)
		if missing == nil || ctx.Err() != nil {
			continue
		}
		klog.Warningf("putting firewall rules back: %v", missing)
		if err := raise(); err != nil && ctx.Err() == nil {
			return err
		}
	}
}
