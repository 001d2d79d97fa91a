package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/slipway/slipway/bootstrap"
	"github.com/slipway/slipway/internal/drill"
)

// etcdDrill is a drill that breaks etcd, and what there is to choose about it.
type etcdDrill struct {
	name, short, long, example string

	rate    float64       // requests per second, unless said otherwise
	during  time.Duration // default of --for; 0 where nothing lasts
	forWhat string
	node    string // what --node chooses; "" where nothing can be chosen
	do      func(*bootstrap.Run, context.Context, bootstrap.Drill) (*drill.Report, error)
}

const etcdDrillEnd = `

The report says when the API took writes again, when all was as before, and how far back what is lost reaches. Exit code 0 when every goal
is met, 7 when the drill went through and one is missed. The drill is refused, and breaks nothing, unless every etcd member votes and every API server is ready.`

func etcdDrills() []etcdDrill {
	return []etcdDrill{
		{
			name: "leader-loss", short: "Kill etcd where it leads, under load", rate: 100, do: (*bootstrap.Run).DrillLeaderLoss,
			long: `Drill leader-loss kills the etcd process on the control plane where it leads, as a crash would, and changes nothing else: the others elect
a leader, and the kubelet starts the one that was killed.

The goals: writes are taken again within 3 s, no acknowledged write is lost, no event is missed by a watch, and the member votes again by itself.`,
			example: "  slipway drill leader-loss -f cluster.hcl --report leader.html",
		},
		{
			name: "node-loss", short: "Cut a control plane off the network, under load", rate: 20, do: (*bootstrap.Run).DrillNodeLoss,
			during: time.Minute, forWhat: "how long it is cut off, 5s to 1h", node: "the control plane to cut off (default: the one that has the endpoint's address)",
			long: `Drill node-loss cuts one control plane off the network, as a pulled cable does: a table of nftables drops all that comes and goes, but
for the SSH connections of this machine. By default that is the one that has the endpoint's address, which has to move. The kernel forgets the rules by itself half a minute
after the time is up: also a drill that was killed heals.

The goals: no outage over 10 s, no acknowledged write lost, no event missed by a watch, and the node is Ready again by itself.`,
			example: "  slipway drill node-loss -f cluster.hcl --for 30s\n  slipway drill node-loss -f cluster.hcl --node cp-2",
		},
		{
			name: "disk-full", short: "Fill the disk of one etcd member, under load", rate: 20, do: (*bootstrap.Run).DrillDiskFull,
			during: 20 * time.Second, forWhat: "how long it stays full once etcd has stopped, 5s to 1h", node: "the control plane whose disk to fill (default: a follower that has a disk for etcd alone)",
			long: `Drill disk-full fills the file system of etcd's data on one follower with one file, until its etcd has stopped for want of space and for
a while more, and removes it. That file system must be etcd's own, and have 64 GiB free at most: what else is on it would suffer, too. A timer on the machine removes the file if
nobody comes back. What is written is made heavy, 32 KiB each, since etcd allocates its files ahead.

The goals: no outage over 3 s, no acknowledged write lost, no event missed by a watch, and the member votes again by itself.`,
			example: "  slipway drill disk-full -f cluster.hcl --node cp-3",
		},
		{
			name: "quorum-loss", short: "Take etcd from a majority of the control planes, and recover", rate: 20, do: (*bootstrap.Run).DrillQuorumLoss,
			long: `Drill quorum-loss kills etcd on a majority of the control planes, the leader among them, and moves its manifests and data aside there, so
that etcd has lost its quorum for good. Then it does what slipway etcd recover and slipway apply do: one member goes on alone, and the others join it anew. Nothing is deleted: what
was moved aside is in /var/lib/etcd/removed-… and /var/lib/slipway/drill-… on those machines.

The goals: writes are taken again, none is lost that was acknowledged more than a second before, revisions never go back, a watch from before ends as expired and begins
anew from a list, and all control planes vote again in the end.

Interrupted, it brings the cluster back first. One that is killed leaves a cluster without quorum: slipway etcd recover, and then slipway apply, bring it back.`,
			example: "  slipway drill quorum-loss -f cluster.hcl --report quorum.html",
		},
		{
			name: "etcd-restore", short: "Restore a snapshot under load", rate: 20, do: (*bootstrap.Run).DrillEtcdRestore,
			during: 10 * time.Second, forWhat: "how long is written on after the snapshot, 5s to 1h",
			long: `Drill etcd-restore takes a snapshot of etcd, lets clients write on for a while, and restores it, as slipway restore does. What was written to
the cluster after the snapshot, by anybody, is lost by design; the report says how much of the drill's own that is.

The goals: nothing is lost that was acknowledged before the snapshot, revisions never go back, a watch from before ends as expired and begins anew from a list, and all control planes vote
again in the end.

Interrupted while it restores, it finishes first. One that is killed there leaves a cluster that is down: slipway restore with the snapshot, which is in the folder snapshots
of the state directory, finishes it, and status says so.`,
			example: "  slipway drill etcd-restore -f cluster.hcl --for 30s --report restore.html",
		},
	}
}

func newDrillEtcd(d etcdDrill) *cobra.Command {
	flags := drillFlags{rate: d.rate}
	cmd := &cobra.Command{
		Use: d.name, Short: d.short, Long: d.long + etcdDrillEnd, Example: d.example, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := flags.check(); err != nil {
				return err
			}
			if during := flags.how.For; d.during > 0 && (during < 5*time.Second || during > time.Hour) {
				return &exitError{exitSpec, fmt.Errorf("--for %s is not between 5s and 1h", during)}
			}
			c, err := flags.load()
			if err != nil {
				return err
			}
			_, err = flags.run(cmd, c, d.name, bootstrap.Open, func(r *bootstrap.Run) (*drill.Report, error) { return d.do(r, cmd.Context(), flags.how) })
			return err
		},
	}
	flags.add(cmd)
	cmd.Flags().DurationVar(&flags.how.Calm, "calm", 5*time.Second, "how long to watch before and after, when nothing is done")
	if d.during > 0 {
		cmd.Flags().DurationVar(&flags.how.For, "for", d.during, d.forWhat)
	}
	if d.node != "" {
		cmd.Flags().StringVar(&flags.how.Node, "node", "", d.node)
	}
	return cmd
}
