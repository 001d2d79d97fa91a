package main

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/spf13/cobra"

	"github.com/slipway/slipway/bootstrap"
	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/spec"
)

// which is the cluster that -f names, or else the one that this machine itself keeps, and here then the machine's name in it.
func (f *clusterFlags) which(cmd *cobra.Command) (c *spec.Cluster, here string, err error) {
	own, here, err := bootstrap.Own()
	switch {
	case cmd.Flags().Changed("file") || errors.Is(err, fs.ErrNotExist):
		c, err = f.load()
		return c, "", err
	case err != nil:
		return nil, "", err
	}
	if !slices.ContainsFunc(own.ControlPlanes(), func(n spec.Node) bool { return n.Name == here }) {
		return nil, "", &exitError{exitSpec, fmt.Errorf("this machine is a worker, and holds no keys of the cluster: run this on %s, or name the cluster's file with -f", own.ControlPlanes()[0].Name)}
	}
	return own, here, nil
}

// viewHere is bootstrap.View on the machine that here names, or on none.
func viewHere(here string) opener {
	return func(c *spec.Cluster, sink event.Sink) (*bootstrap.Run, error) {
		r, err := bootstrap.View(c, sink)
		if err == nil {
			r.Here = here
		}
		return r, err
	}
}

// onCluster runs a short query on the cluster that -f names, or else on the one that this machine keeps.
func onCluster(cmd *cobra.Command, flags *clusterFlags, work func(*bootstrap.Run) error) error {
	c, here, err := flags.which(cmd)
	if err != nil {
		return err
	}
	r, err := viewHere(here)(c, event.Discard)
	if err != nil {
		return err
	}
	defer r.Close()
	r.Timeout = flags.timeout
	return coded(work(r))
}
