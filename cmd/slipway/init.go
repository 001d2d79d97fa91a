package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/slipway/slipway/bootstrap"
	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/layout"
	"github.com/slipway/slipway/internal/spec"
	"github.com/slipway/slipway/internal/ui"
)

func newInit() *cobra.Command {
	var b bootstrap.Beginning
	var balancer string
	var alone bool
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Begin a cluster on this machine, without SSH",
		Long: `Init makes this machine the first control plane of a new cluster, as root, on the machine itself. With
nothing said, the node is called as the host, has the address of the default route, and runs the newest version of
Kubernetes of which there is a bundle beside the program.

At its end it prints the commands with which other machines join, good for a day, those of control planes for two
hours; slipway join-command prints new ones. For more than one control plane the cluster needs an endpoint
from the start: an address that no machine has (--endpoint 10.0.0.100:6443), which the control planes hand to each other.

It may be interrupted at any moment; running it again with the same flags finishes. What was said is kept as a
cluster's file in /var/lib/slipway/cluster, without any secret. slipway reset takes it all off again.`,
		Example: `  slipway init --single                                  one machine, workloads on it
  slipway init --endpoint 10.0.0.100:6443                the first of three control planes
  slipway init -f node.hcl --bundle slipway-1.36.3-amd64.bundle`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o, err := output(cmd)
			if err != nil {
				return err
			}
			if err := needRoot("init"); err != nil {
				return err
			}
			b.LoadBalancer, err = balancerKind(balancer)
			if err != nil {
				return err
			}
			if b.Bundle, err = absolute(b.Bundle); err != nil {
				return err
			}
			c, err := bootstrap.Begin(b)
			if err != nil {
				return coded(err)
			}
			if !b.Address.IsValid() && b.File == "" && b.Endpoint == "" {
				warnOfAddresses(o, c.Nodes[0])
			}
			unchanged := false
			feed, err := followOn(o, c, timeout, "init", false, bootstrap.OpenHere(c.Nodes[0].Name), func(r *bootstrap.Run) (err error) {
				unchanged, err = applied(cmd.Context(), r, nil)
				return err
			})
			if err != nil {
				return err
			}
			o.Times(feed.Times())
			if unchanged {
				o.Note("No changes: this machine is as it was begun. slipway join-command prints how others join.")
			} else {
				o.Note("The control plane is up. To use it here: export KUBECONFIG=" + layout.AdminConf)
			}
			if alone || b.Single {
				return nil
			}
			return o.Text(func(w io.Writer) error { return inviteOnce(cmd.Context(), w, c, timeout) })
		},
	}
	flags := cmd.Flags()
	flags.StringVarP(&b.File, "file", "f", "", "a cluster's file that declares this machine; takes the place of the flags that describe the cluster")
	flags.StringVar(&b.Bundle, "bundle", "", "the bundle (default: beside the program, in . or in ./build)")
	flags.StringVar(&b.Name, "name", "", `the cluster's name (default "kubernetes")`)
	flags.StringVar(&b.Kubernetes, "kubernetes", "", "version of Kubernetes (default: the bundle's)")
	flags.StringVar(&b.Node, "node-name", "", "the node's name (default: the host's)")
	flags.TextVar(&b.Address, "address", netip.Addr{}, "this machine's address among the nodes (default: the one beside the endpoint's, or that of the default route)")
	flags.StringVar(&b.Endpoint, "endpoint", "", "where clients reach the API for as long as any control plane lives, such as 10.0.0.100:6443")
	flags.StringVar(&balancer, "load-balancer", "", "vip, node-local or external (default: vip where there is an endpoint)")
	flags.TextVar(&b.Pods, "pods", netip.Prefix{}, "range of pods (default 10.244.0.0/16)")
	flags.TextVar(&b.Services, "services", netip.Prefix{}, "range of services (default 10.96.0.0/16)")
	flags.StringVar(&b.Proxy, "proxy", "", "nftables, iptables or ipvs (default nftables)")
	flags.StringSliceVar(&b.ExtraSANs, "extra-san", nil, "one more name or address for the API server's certificate")
	flags.BoolVar(&b.Single, "single", false, "let workloads run on this node, too: a cluster of one machine")
	flags.BoolVar(&alone, "skip-join-commands", false, "make no token, and print no commands to join with")
	flags.DurationVar(&timeout, "timeout", 5*time.Minute, "longest wait for any one thing")
	for _, described := range []string{"name", "kubernetes", "node-name", "address", "endpoint", "load-balancer", "pods", "services", "proxy", "extra-san", "single"} {
		cmd.MarkFlagsMutuallyExclusive("file", described)
	}
	return cmd
}

// warnOfAddresses tells of the addresses that were not taken, since nothing tells which network is the nodes'.
func warnOfAddresses(o *ui.Output, n spec.Node) {
	var others []string
	for _, a := range bootstrap.OtherAddresses(n.Address) {
		others = append(others, a.String())
	}
	if len(others) > 0 {
		o.Note("Warning: the node's address is %s, that of the default route. This machine also has %s: if the nodes reach each other there, interrupt this and name it with --address.", n.Address, strings.Join(others, ", "))
	}
}

// inviteOnce prints how other machines join the cluster that was begun on this one, unless that was done before: what it
// printed then is still good.
func inviteOnce(ctx context.Context, w io.Writer, c *spec.Cluster, timeout time.Duration) error {
	here := viewHere(c.Nodes[0].Name)
	asked, err := here(c, event.Discard)
	if err != nil {
		return err
	}
	defer asked.Close()
	if opened, err := asked.Opened(ctx); err != nil || opened {
		return err
	}
	r, err := here(c, event.Discard)
	if err != nil {
		return err
	}
	defer r.Close()
	r.Timeout = timeout
	several := c.LoadBalancer.Kind != spec.Direct
	t, err := r.CreateToken(ctx, bootstrap.Ticketing{Description: "printed by slipway init", Lifetime: lifetime, ControlPlane: several})
	if err != nil {
		return fmt.Errorf("the control plane is up, but no token could be made: %w; slipway join-command tries it again", err)
	}
	_, err = fmt.Fprintf(w, "\nAnother worker joins, within a day, with this, run as root beside the bundle:\n\n  %s\n", t.Worker().Command())
	if err == nil && several {
		_, err = fmt.Fprintf(w, "\nAnother control plane, within two hours; the key in it is the cluster's authority, so keep it as secret as that:\n\n  %s\n", t.Command())
	}
	return err
}

func balancerKind(name string) (spec.LBKind, error) {
	switch name {
	case "":
		return "", nil
	case "vip", "external":
		return spec.LBKind(name), nil
	case "node-local", "node_local":
		return spec.NodeLocal, nil
	}
	return "", &exitError{exitSpec, errors.New("--load-balancer is " + name + ": expected vip, node-local or external")}
}

// needRoot refuses to begin what only root can finish.
func needRoot(verb string) error {
	if os.Geteuid() == 0 {
		return nil
	}
	return &exitError{exitUnreachable, errors.New("slipway " + verb + " changes this machine and needs root: run it with sudo")}
}

func absolute(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	return filepath.Abs(path)
}
