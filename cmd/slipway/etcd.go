package main

import (
	"github.com/spf13/cobra"

	"github.com/slipway/slipway/bootstrap"
	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/spec"
	"github.com/slipway/slipway/internal/status"
	"github.com/slipway/slipway/internal/ui"
)

func newEtcd() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "etcd",
		Short: "Look at etcd's members and care for them: status, backups, space, membership",
		Long: `The members of the cluster's etcd, each on its control plane. -f names the cluster's file; on a control plane that
was begun or joined by hand the verbs need no file.

To look never needs a quorum: status, members and snapshot work with what still answers. What changes something is refused where it
would cost the quorum, and says why.`,
		Example: `  slipway etcd status -f cluster.hcl          how each member is, how fast its disk is, whether all hold the same
  slipway etcd snapshot -f cluster.hcl        keep what etcd holds, verified
  slipway etcd backup -f cluster.hcl          the same with the keys that read it, sealed: what slipway restore takes
  slipway etcd backups -f cluster.hcl         which archives there are, and whether they are sound
  slipway etcd verify ARCHIVE                 prove it, by restoring it on this machine
  slipway etcd restore ARCHIVE -f cluster.hcl bring the cluster back to it: the same command as slipway restore
  slipway etcd defrag -f cluster.hcl          give space back, one member at a time
  slipway etcd remove cp-3 -f cluster.hcl     a member that is gone for good
  slipway etcd recover -f cluster.hcl         make a cluster of what is left of one that lost its quorum for good
  slipway etcd alarm recover -f cluster.hcl   make an etcd that ran full take writes again`,
	}
	cmd.AddCommand(
		newEtcdStatus(),
		newEtcdMembers(),
		newEtcdSnapshot(),
		newEtcdBackup(),
		newEtcdBackups(),
		newEtcdVerify(),
		newRestore(),
		newEtcdDefrag(),
		newEtcdPromote(),
		newEtcdRemove(),
		newEtcdRecover(),
		group(newEtcdAlarm()),
	)
	return cmd
}

// onEtcd runs one verb under a live display: view to look only, and else alone on the cluster.
func onEtcd(cmd *cobra.Command, flags *clusterFlags, title string, view bool, work func(*bootstrap.Run) error) error {
	o, err := output(cmd)
	if err != nil {
		return err
	}
	c, here, err := flags.which(cmd)
	if err != nil {
		return err
	}
	open := viewHere(here)
	if !view {
		open = aloneHere(here)
	}
	control := *c
	control.Nodes = c.ControlPlanes() // the display shows no others: they have no part in this
	_, err = followOn(o, &control, flags.timeout, "etcd "+title, true, func(_ *spec.Cluster, sink event.Sink) (*bootstrap.Run, error) { return open(c, sink) }, work)
	return err
}

// toldEtcd runs one verb and tells what came of it.
func toldEtcd[T any](cmd *cobra.Command, flags *clusterFlags, title string, view bool, work func(*bootstrap.Run) (T, error), tell func(*ui.Output, T) error) error {
	var done T
	err := onEtcd(cmd, flags, title, view, func(r *bootstrap.Run) (err error) {
		done, err = work(r)
		return err
	})
	if err != nil {
		return err
	}
	o, err := output(cmd)
	if err != nil {
		return err
	}
	return tell(o, done)
}

// aloneHere is bootstrap.Open on the machine that here names, or on none.
func aloneHere(here string) opener {
	return func(c *spec.Cluster, sink event.Sink) (*bootstrap.Run, error) {
		r, err := bootstrap.Open(c, sink)
		if err == nil {
			r.Here = here
		}
		return r, err
	}
}

// etcdCode is the exit code that etcd's state stands for.
func etcdCode(e *status.Etcd) error {
	switch e.Health {
	case status.Healthy:
		return nil
	case status.Down:
		return &exitError{code: exitQuorum}
	}
	return &exitError{code: exitFailed}
}
