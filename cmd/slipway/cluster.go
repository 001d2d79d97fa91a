package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/slipway/slipway/bootstrap"
	"github.com/slipway/slipway/internal/archive"
	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/host"
	"github.com/slipway/slipway/internal/kubeadm"
	"github.com/slipway/slipway/internal/spec"
	"github.com/slipway/slipway/internal/ui"
)

// clusterFlags are those of every verb that reads the cluster's file.
type clusterFlags struct {
	file     string
	vars     map[string]string
	varFiles []string
	timeout  time.Duration
}

func (f *clusterFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVarP(&f.file, "file", "f", "cluster.hcl", "the cluster's file")
	flags.StringToStringVar(&f.vars, "var", nil, "set a variable of the file: name=value")
	flags.StringArrayVar(&f.varFiles, "var-file", nil, "read variables from a file")
	flags.DurationVar(&f.timeout, "timeout", 5*time.Minute, "longest wait for any one thing, such as a node becoming Ready")
	_ = cmd.MarkFlagFilename("file", "hcl") // fails only for a flag that does not exist
	cmd.Args = pointToFile(cmd.Args)
}

// pointToFile says how the cluster's file is given where it came as an argument.
func pointToFile(takes cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if i := slices.IndexFunc(args, func(a string) bool { return filepath.Ext(a) == ".hcl" }); i >= 0 {
			return fmt.Errorf("the cluster's file is given with -f: %s -f %s", cmd.CommandPath(), args[i])
		}
		if err := takes(cmd, args); err != nil {
			return fmt.Errorf("%w; the cluster's file is given with -f", err)
		}
		return nil
	}
}

func (f *clusterFlags) load() (*spec.Cluster, error) {
	c, err := spec.Read(f.file, spec.LoadOptions{Vars: f.vars, VarFiles: f.varFiles})
	if err != nil {
		return nil, &exitError{exitSpec, err}
	}
	return c, nil
}

// opener is bootstrap.Open or bootstrap.View.
type opener func(*spec.Cluster, event.Sink) (*bootstrap.Run, error)

// output is where the verb writes, in the format that -o names.
func output(cmd *cobra.Command) (*ui.Output, error) {
	name, err := cmd.Flags().GetString("output")
	if err != nil {
		return nil, err
	}
	format, err := ui.ParseFormat(name)
	if err != nil {
		return nil, &exitError{exitSpec, err}
	}
	return ui.New(cmd.OutOrStdout(), cmd.ErrOrStderr(), format), nil
}

// follow runs a verb's work on the cluster of the file under a live display, with its exit code by what went wrong.
func follow(out *ui.Output, flags *clusterFlags, title string, query bool, open opener, work func(*bootstrap.Run) error) (ui.Feed, error) {
	c, err := flags.load()
	if err != nil {
		return nil, err
	}
	return followOn(out, c, flags.timeout, title, query, open, work)
}

// followOn is follow for a cluster that was read already. The display is closed before anything else is written.
func followOn(out *ui.Output, c *spec.Cluster, timeout time.Duration, title string, query bool, open opener, work func(*bootstrap.Run) error) (ui.Feed, error) {
	course := ui.Course{Title: title + " " + c.Name, Query: query}
	for _, n := range c.Nodes {
		course.Nodes = append(course.Nodes, n.Name)
	}
	feed := out.Follow(course)
	defer feed.Close()
	r, err := open(c, feed)
	if err != nil {
		return feed, err
	}
	defer r.Close()
	r.Timeout = timeout
	return feed, coded(work(r))
}

// coded gives err the exit code that its cause stands for.
func coded(err error) error {
	var (
		known       *exitError
		file        *spec.Error
		forget      *bootstrap.ForgetError
		flag        *bootstrap.FlagError
		exists      *bootstrap.ExistsError
		grown       *bootstrap.GrownError
		join        *bootstrap.JoinError
		leaving     *bootstrap.LeavingError
		unfit       *bootstrap.UnfitError
		skipped     *bootstrap.SkippedError
		foreign     *bootstrap.TakeOverError
		refused     *kubeadm.RefusedError
		unreachable *host.UnreachableError
		hostKey     *host.HostKeyError
		auth        *host.AuthError
		sudo        *host.SudoError
		rolled      *bootstrap.RolloutError
		takeBack    *bootstrap.NothingToTakeBackError
		upgrade     *bootstrap.UpgradeError
		restore     *bootstrap.RestoreError
		damaged     *archive.DamagedError
		format      *archive.FormatError
		sealed      *archive.WrongKeyError
		quorum      *bootstrap.QuorumError
		member      *bootstrap.MemberError
		path        *bootstrap.PathError
		quorumLost  *bootstrap.QuorumLostError
		recovery    *bootstrap.RecoveryError
	)
	switch {
	case err == nil || errors.As(err, &known):
		return err
	case errors.As(err, &quorumLost), errors.As(err, &recovery) && recovery.Half:
		return &exitError{exitQuorum, err}
	case errors.As(err, &rolled) && rolled.PutBack():
		return &exitError{exitPutBack, err}
	case errors.As(err, &restore), errors.As(err, &damaged), errors.As(err, &format), errors.As(err, &sealed):
		return &exitError{exitSpec, err}
	case errors.As(err, &quorum):
		return &exitError{exitQuorum, err}
	case errors.As(err, &takeBack), errors.As(err, &upgrade), errors.As(err, &member), errors.As(err, &path):
		return &exitError{exitSpec, err}
	case errors.As(err, &leaving), errors.As(err, &join) && join.Unreachable:
		return &exitError{exitUnreachable, err}
	case errors.As(err, &forget), errors.As(err, &flag), errors.As(err, &exists), errors.As(err, &grown), errors.As(err, &join):
		return &exitError{exitSpec, err}
	case errors.As(err, &file): // right by itself, but not for the cluster as it stands
		return &exitError{exitSpec, err}
	case errors.As(err, &unfit), errors.As(err, &skipped), errors.As(err, &foreign), errors.As(err, &refused), errors.As(err, &unreachable), errors.As(err, &hostKey), errors.As(err, &auth), errors.As(err, &sudo):
		return &exitError{exitUnreachable, err}
	}
	return err
}
