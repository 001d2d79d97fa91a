package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/slipway/slipway/bootstrap"
	"github.com/slipway/slipway/internal/spec"
	"github.com/slipway/slipway/internal/ui"
)

func newEtcdRecover() *cobra.Command {
	var flags clusterFlags
	var yes, abandon bool
	var how bootstrap.Recovering
	cmd := &cobra.Command{
		Use:   "recover",
		Short: "Make a cluster of what is left of one that has lost its quorum for good",
		Long: `Recover is for a cluster of which so many control planes are gone for good that etcd cannot decide anything any more: two
of three, three of five. Status and apply say so, with exit code 5. If a machine can come back with its disk, bring it back
instead; then nothing needs to be recovered.

Of the members that still answer it takes the one that knows most, unless --from names another. It shows what it would do, and
asks. Then it stops etcd and the API server on the control planes that answer, moves their etcd's data aside, copies
that of the survivor aside, and makes the survivor the only member. Nothing is deleted. What had not yet reached the survivor
when the others went, usually less than the last second, is lost.

Control planes that do not answer must not come back with their disks: they are told that they were removed as soon as they
reach the survivor, and stop; but where they reached one another and not the survivor, they would be a second cluster. Wipe them, or
keep them off.

It refuses while a quorum exists or can still come about. Cut off at any moment, it finishes when it is run again; until then apply
refuses. If the others come back with their disks before it is finished, it refuses to go on: they may be the cluster again. Then
--abandon calls it off: the survivor is put back as it was or, where it is a cluster of its own already, its data is moved aside, and
slipway apply takes it in again.

Afterwards the cluster has one control plane: slipway apply grows it back, with the machines that the file names then.

On a control plane of a cluster that is made by hand it needs no file, and recovers from that machine. Since it cannot ask the others,
it wants to be told with --gone that each of them is dead; it refuses where one still takes connections.`,
		Example: `  slipway etcd recover -f cluster.hcl
  slipway apply -f cluster.hcl

  slipway etcd recover --gone cp-2,cp-3`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o, err := output(cmd)
			if err != nil {
				return err
			}
			c, here, err := flags.which(cmd)
			if err != nil {
				return err
			}
			open := opener(bootstrap.OpenHere(here))
			follow := func(query bool, work func(*bootstrap.Run) error) (ui.Feed, error) {
				return followOn(o, c, flags.timeout, "etcd recover", query, open, work)
			}
			if abandon {
				return abandonRecovery(cmd, o, follow, yes)
			}
			var p *bootstrap.Recovery
			_, err = follow(true, func(r *bootstrap.Run) (err error) {
				p, err = r.PlanRecovery(cmd.Context(), how)
				return err
			})
			if err != nil {
				return err
			}
			shown := time.Now()
			if err := sayRecovery(cmd.ErrOrStderr(), p); err != nil {
				return err
			}
			if !yes {
				if err := agreed(cmd, p.Survivor, "Type the name of the survivor, %s, to go on: ", p.Survivor); err != nil {
					return err
				}
			}
			how.From, how.Shown = p.Survivor, shown
			feed, err := follow(false, func(r *bootstrap.Run) error {
				now, err := r.PlanRecovery(cmd.Context(), how) // it may be long since it was shown
				if err != nil {
					return err
				}
				return r.Recover(cmd.Context(), now)
			})
			if err != nil {
				return err
			}
			o.Times(feed.Times())
			o.Note("The cluster serves again, with %s as its only control plane. %s", p.Survivor, growBack(p, c, here))
			return nil
		},
	}
	flags.add(cmd)
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	cmd.Flags().BoolVar(&abandon, "abandon", false, "call off a recovery that was cut off, since those that were lost have come back")
	cmd.Flags().StringSliceVar(&how.Gone, "gone", nil, "on a machine of a cluster that is made by hand: each other control plane, all of which are dead for good")
	cmd.Flags().StringVar(&how.From, "from", "", "the control plane whose member is to survive (default: the one that knows most)")
	cmd.MarkFlagsMutuallyExclusive("abandon", "from")
	cmd.MarkFlagsMutuallyExclusive("abandon", "gone")
	return cmd
}

// growBack says how the others, or new ones, become control planes again.
func growBack(p *bootstrap.Recovery, c *spec.Cluster, here string) string {
	if here == "" {
		return "slipway apply -f " + c.File + " grows it back."
	}
	var b strings.Builder
	b.WriteString("The others are no members any more; let the cluster forget their nodes, too:\n")
	for _, o := range p.Others {
		fmt.Fprintf(&b, "  slipway etcd remove %s\n", o.Name)
	}
	b.WriteString("A machine that is to be a control plane is clean, or made so by slipway reset --purge, and joins with what slipway join-command --control-plane prints here.")
	return b.String()
}

// abandonRecovery calls off what stands half way.
func abandonRecovery(cmd *cobra.Command, o *ui.Output, follow func(bool, func(*bootstrap.Run) error) (ui.Feed, error), yes bool) error {
	if !yes {
		var p *bootstrap.Recovery
		_, err := follow(true, func(r *bootstrap.Run) (err error) {
			p, err = r.PlanAbandon(cmd.Context())
			return err
		})
		if err != nil {
			return err
		}
		what := "gets its manifests back, and its etcd starts as the member that it was"
		if p.Forced {
			what = "is stopped, and its data moved aside: what was written to it alone is lost"
		}
		fmt.Fprintf(cmd.ErrOrStderr(), "The recovery that was begun at %s is called off: %s %s.\n", p.Begun.Format("2006-01-02 15:04:05 MST"), p.Survivor, what)
		if err := agreed(cmd, p.Survivor, "Type its name, %s, to go on: ", p.Survivor); err != nil {
			return err
		}
	}
	_, err := follow(false, func(r *bootstrap.Run) error {
		p, err := r.PlanAbandon(cmd.Context())
		if err != nil {
			return err
		}
		return r.Abandon(cmd.Context(), p)
	})
	if err != nil {
		return err
	}
	o.Note("The recovery is called off. slipway status shows what it has left to mend.")
	return nil
}

// sayRecovery shows what would be done.
func sayRecovery(w io.Writer, p *bootstrap.Recovery) error {
	var b strings.Builder
	if p.GoesOn {
		fmt.Fprintf(&b, "A recovery was begun at %s and cut off; it is gone on with.\n", p.Begun.Format("2006-01-02 15:04:05 MST"))
	}
	known := "what it has"
	if p.Index > 0 {
		known = fmt.Sprintf("all that is decided up to index %d", p.Index)
	}
	fmt.Fprintf(&b, "%s becomes the only member of etcd, with %s.\n", p.Survivor, known)
	for _, other := range p.Others {
		fmt.Fprintf(&b, "  %s (%s): %s\n", other.Name, other.Address, other.Is)
	}
	for _, other := range p.Others {
		if other.Silent {
			fmt.Fprintf(&b, "%s must never come back with its disk as it is: keep it off, or install it anew.\n", other.Name)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
