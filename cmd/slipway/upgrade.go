package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/klog/v2"

	"github.com/slipway/slipway/bootstrap"
	"github.com/slipway/slipway/internal/spec"
	"github.com/slipway/slipway/internal/ui"
)

func newUpgrade() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "upgrade",
		Short: "Take a cluster that was made by hand to another Kubernetes version, machine by machine",
		Long: `Upgrade is for clusters that were made with slipway init and join, on the machines themselves. Bring the slipway and the
bundle of the new version to every machine, then:

  1. on any control plane      slipway upgrade plan              which versions are possible from here
                               slipway upgrade plan 1.36.3       what would be done, and what is to follow where
                               slipway upgrade apply 1.36.3      begins, and changes this machine
  2. on each other control plane, one after the other
                               slipway upgrade node
  3. on each worker            slipway upgrade node              drains it, changes it, lets pods come back
  4. on any control plane      slipway upgrade finish            kube-proxy and the rest of the cluster's own pods

The order matters, and is seen to: no kubelet is ever newer than an API server, and one control plane changes at a time. A machine
that does not come through is put back to what it ran before. Everything can be interrupted at any moment: run it again, it
goes on. Without workers there is no fourth step, the last control plane does it.

A cluster that slipway apply looks after is upgraded there: write the version into its file and apply it.`,
	}
	cmd.AddCommand(newUpgradePlan(), newUpgradeApply(), newUpgradeNode(), newUpgradeFinish())
	return cmd
}

// byHand are the flags of verbs that change a machine of a cluster that was made by hand, and what the machine is.
type byHand struct {
	bundle  string
	timeout time.Duration
}

func (f *byHand) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.bundle, "bundle", "", "the bundle of the version (default: beside the program, in . or in ./build)")
	cmd.Flags().DurationVar(&f.timeout, "timeout", 5*time.Minute, "longest wait for any one thing, such as a node becoming Ready")
}

// place is this machine's own cluster, with the bundle that was named.
func (f *byHand) place(verb string) (c *spec.Cluster, here spec.Node, err error) {
	if err := needRoot(verb); err != nil {
		return nil, here, err
	}
	klog.SetLogger(klog.Logger{}) // client-go's elections write to stderr otherwise
	if c, here, err = bootstrap.OwnPlace(); err != nil {
		return nil, here, coded(err)
	}
	if f.bundle != "" {
		if c.Bundle, err = filepath.Abs(f.bundle); err != nil {
			return nil, here, err
		}
	}
	return c, here, nil
}

// controlPlane is place on a control plane.
func (f *byHand) controlPlane(verb string) (c *spec.Cluster, here spec.Node, err error) {
	c, here, err = f.place(verb)
	if err == nil && here.Role != spec.ControlPlane {
		err = &exitError{exitSpec, fmt.Errorf("this machine is a worker: run slipway %s on %s; on a worker it is slipway upgrade node, after the control planes", verb, c.ControlPlanes()[0].Name)}
	}
	return c, here, err
}

func newUpgradeApply() *cobra.Command {
	var flags byHand
	cmd := &cobra.Command{
		Use:   "apply VERSION",
		Short: "Begin a change of version on this control plane, the first that is changed",
		Long: `Apply checks the whole cluster, keeps a verified snapshot of etcd on this machine, declares the new version, and then changes this
control plane: its images are taken in first; the shared address and etcd's leadership go to others before what holds them stops;
and it is waited for. If it does not come through it is put back, the declaration too, and the cluster runs on as before: exit code 6.

While the change stands half way, no machine joins. Interrupted, run it again.`,
		Example: "  slipway upgrade apply 1.36.3 --bundle slipway-1.36.3-amd64.bundle",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o, err := output(cmd)
			if err != nil {
				return err
			}
			c, here, err := flags.controlPlane("upgrade apply")
			if err != nil {
				return err
			}
			var u bootstrap.Upgraded
			feed, err := followOn(o, c, flags.timeout, "upgrade", false, bootstrap.OpenHere(here.Name), func(r *bootstrap.Run) (err error) {
				u, err = r.UpgradeApply(cmd.Context(), strings.TrimPrefix(args[0], "v"))
				return err
			})
			return upgraded(o, feed, here.Name, u, err)
		},
	}
	flags.add(cmd)
	return cmd
}

func newUpgradeNode() *cobra.Command {
	var flags byHand
	cmd := &cobra.Command{
		Use:   "node",
		Short: "Take this machine to the version that the cluster is on its way to",
		Long: `Node changes this machine to the version that slipway upgrade apply, on the first control plane, has begun.

A control plane is changed as the first was, in its turn. A worker comes when all control planes are at the version: with its own
kubelet's rights, so that nobody need log in elsewhere, it takes no new pods, lets those that it has go, as PodDisruptionBudgets
allow, is changed, and takes pods again. A node that you have cordoned yourself stays so until kubectl uncordon. If pods cannot go
within the cluster's drain_timeout, five minutes by default, nothing is changed.

A machine that does not come through is put back to what it ran before: exit code 6. Interrupted, run it again.`,
		Example: "  slipway upgrade node --bundle slipway-1.36.3-amd64.bundle",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o, err := output(cmd)
			if err != nil {
				return err
			}
			c, here, err := flags.place("upgrade node")
			if err != nil {
				return err
			}
			var u bootstrap.Upgraded
			if here.Role == spec.ControlPlane {
				feed, err := followOn(o, c, flags.timeout, "upgrade", false, bootstrap.OpenHere(here.Name), func(r *bootstrap.Run) (err error) {
					u, err = r.UpgradeNode(cmd.Context())
					return err
				})
				return upgraded(o, feed, here.Name, u, err)
			}
			feed := o.Follow(ui.Course{Title: "upgrade " + here.Name, Nodes: []string{here.Name}})
			u, err = bootstrap.UpgradeWorker(cmd.Context(), c, here.Name, feed, flags.timeout)
			feed.Close()
			return upgraded(o, feed, here.Name, u, coded(err))
		},
	}
	flags.add(cmd)
	return cmd
}

func newUpgradeFinish() *cobra.Command {
	var flags byHand
	cmd := &cobra.Command{
		Use:   "finish",
		Short: "Let kube-proxy and the cluster's other own pods follow, once every machine is at the version",
		Long: `Finish is the last step, on any control plane. kube-proxy, DNS, the pod network and what else the cluster's own pods are follow to the
version that all machines run by now, and machines give up the images of the version before. Until then those pods run on as they
were, which is well: they may be older than the machines, and not newer.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o, err := output(cmd)
			if err != nil {
				return err
			}
			c, here, err := flags.controlPlane("upgrade finish")
			if err != nil {
				return err
			}
			var u bootstrap.Upgraded
			feed, err := followOn(o, c, flags.timeout, "upgrade", false, bootstrap.OpenHere(here.Name), func(r *bootstrap.Run) (err error) {
				u, err = r.UpgradeFinish(cmd.Context())
				return err
			})
			return upgraded(o, feed, here.Name, u, err)
		},
	}
	flags.add(cmd)
	return cmd
}

// upgraded ends one step, with what is to be done next.
func upgraded(o *ui.Output, feed ui.Feed, here string, u bootstrap.Upgraded, err error) error {
	if err != nil {
		return err
	}
	o.Times(feed.Times())
	for _, line := range nextSteps(here, u) {
		o.Note("%s", line)
	}
	return nil
}

func nextSteps(here string, u bootstrap.Upgraded) (lines []string) {
	switch {
	case u.Finished && !u.Changed:
		return []string{"No changes: the cluster is at Kubernetes " + u.Version + ", and no change of version is under way. slipway upgrade plan, on a control plane, shows what is possible."}
	case u.Finished:
		return []string{"The cluster is at Kubernetes " + u.Version + ", on every machine."}
	case u.Changed:
		lines = append(lines, here+" is at Kubernetes "+u.Version+".")
	default:
		lines = append(lines, "No changes: "+here+" is at Kubernetes "+u.Version+" already.")
	}
	if u.Cordoned {
		lines = append(lines, "It was cordoned before, and still is. On a control plane: kubectl uncordon "+here)
	}
	if len(u.ControlPlanes) > 0 {
		lines = append(lines, "Next, on "+strings.Join(u.ControlPlanes, ", ")+", one after the other: slipway upgrade node")
	}
	if len(u.Workers) > 0 {
		lines = append(lines, "Then, on "+strings.Join(u.Workers, ", ")+": slipway upgrade node")
	}
	if len(u.ControlPlanes) == 0 || len(u.Workers) > 0 { // without workers, the last control plane does it
		lines = append(lines, "Last, on any control plane, when all machines are there: slipway upgrade finish")
	}
	return lines
}
