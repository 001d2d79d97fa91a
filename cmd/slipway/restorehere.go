package main

import (
	"errors"
	"io/fs"
	"net/netip"
	"os"

	"github.com/spf13/cobra"

	"github.com/slipway/slipway/bootstrap"
	"github.com/slipway/slipway/internal/spec"
	"github.com/slipway/slipway/internal/ui"
)

// hereFlags are those of a restore on this very machine.
type hereFlags struct {
	on bool
	bootstrap.RestoringHere
}

func (h *hereFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.BoolVar(&h.on, "here", false, "on this very machine, as the only control plane: the default on one of a cluster that is made by hand")
	flags.StringVar(&h.Node, "node-name", "", "with --here: the node's name (default: the host's)")
	flags.TextVar(&h.Address, "address", netip.Addr{}, "with --here: this machine's address among the nodes (default: the one beside the endpoint's, or that of the default route)")
	flags.StringVar(&h.Kubernetes, "kubernetes", "", "with --here: version of Kubernetes, to go back behind an upgrade (default: the cluster's)")
	flags.StringVar(&h.Bundle, "bundle", "", "with --here: the bundle (default: beside the program, in . or in ./build)")
	cmd.MarkFlagsMutuallyExclusive("here", "file")
}

// target is the cluster of the file, or the one that this machine itself is to be alone, and how it is opened.
func (h *hereFlags) target(cmd *cobra.Command, file *clusterFlags, from *bootstrap.RestoreFrom) (*spec.Cluster, opener, error) {
	if !h.on && !cmd.Flags().Changed("file") {
		_, _, err := bootstrap.Own()
		h.on = err == nil || !errors.Is(err, fs.ErrNotExist)
	}
	if !h.on {
		for _, name := range []string{"node-name", "address", "kubernetes", "bundle"} {
			if cmd.Flags().Changed(name) {
				return nil, nil, &exitError{exitSpec, errors.New("--" + name + " is for a restore on this very machine, with --here; else the file says it")}
			}
		}
		c, err := file.load()
		if _, missing := os.Stat(file.file); err != nil && !cmd.Flags().Changed("file") && errors.Is(missing, fs.ErrNotExist) {
			return nil, nil, &exitError{exitSpec, errors.New(file.file + " is not here: name the cluster's file with -f, or restore on this very machine, as the only control plane, with --here")}
		}
		return c, opener(bootstrap.Open), err
	}
	if err := needRoot("restore"); err != nil {
		return nil, nil, err
	}
	var err error
	if h.Bundle, err = absolute(h.Bundle); err != nil {
		return nil, nil, err
	}
	h.Archive = from.Path
	c, here, others, err := h.Cluster()
	if err != nil {
		return nil, nil, coded(err)
	}
	from.Others = others
	return c, opener(bootstrap.OpenHere(here)), nil
}

// note says how it goes on where other machines joined by themselves.
func (h *hereFlags) note(o *ui.Output, p *bootstrap.RestorePlan) {
	if !h.on {
		return
	}
	if len(p.Gone) > 0 {
		o.Note("This machine is the only control plane. The others are clean, or made so by slipway reset, and join with what slipway join-command --control-plane prints here.")
	}
	o.Note("Workers that find the endpoint follow by themselves: kubectl get nodes shows them. One that does not joins anew: slipway reset --force on it, kubectl delete node here, and join.")
}
