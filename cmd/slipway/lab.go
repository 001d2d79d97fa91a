//go:build linux

package main

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/lab"
)

func newLab() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "lab",
		Short: "Machines to try things on: systemd-nspawn hosts with sshd, on this machine",
		Long: `A lab is a set of machines on this one: each boots a real systemd and sshd in a systemd-nspawn
container. A lab lives in one folder, which holds the SSH key (id_ed25519), known_hosts, an
ssh_config for ssh -F, and ops-password, which sudo asks of the user ops. Users root and admin need
no password. Needs root, and Debian's packages systemd-container and mmdebstrap.`,
	}
	cmd.PersistentFlags().String("name", lab.DefaultName, "which lab, when there are several on this machine")
	cmd.PersistentFlags().String("dir", "", "the lab's folder (default build/lab, or build/lab-NAME)")
	cmd.AddCommand(newLabUp(), newLabDown(), newLabList(), newLabExec(), newLabCheck(),
		labAct("kill", "Cut a machine's power: its processes are gone, its disk stays", (*lab.Lab).Kill),
		newLabStart(),
		labAct("cut", "Pull a machine's network cable", (*lab.Lab).Cut),
		labAct("mend", "Plug a machine's network cable in again", (*lab.Lab).Mend))
	return cmd
}

// labDir is the folder of the lab that the flags name.
func labDir(cmd *cobra.Command) (string, error) {
	dir, err := cmd.Flags().GetString("dir")
	if err != nil || dir != "" {
		return dir, err
	}
	name, err := cmd.Flags().GetString("name")
	return lab.DefaultDir(name), err
}

func openLab(cmd *cobra.Command) (*lab.Lab, error) {
	dir, err := labDir(cmd)
	if err != nil {
		return nil, err
	}
	return lab.Open(dir)
}

func newLabUp() *cobra.Command {
	var c lab.Config
	var nodes map[string]string
	var subnet string
	var controlPlanes, workers int
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Make the lab, or start what is off in it and add what is new",
		Example: `  slipway lab up --control-planes 3 --workers 2
  slipway lab up --name two --subnet 10.78.0.0/24 --nodes a=10.78.0.5,b=10.78.0.6`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if c.Subnet, err = netip.ParsePrefix(subnet); err != nil {
				return &exitError{exitSpec, fmt.Errorf("--subnet: %w", err)}
			}
			if c.Nodes, err = labMachines(c.Subnet, nodes, controlPlanes, workers); err != nil {
				return &exitError{exitSpec, err}
			}
			_, err = lab.Up(cmd.Context(), c, labSink(cmd))
			return err
		},
	}
	f := cmd.Flags()
	f.StringToStringVar(&nodes, "nodes", nil, "machines as name=address,…")
	f.IntVar(&controlPlanes, "control-planes", 0, "make cp-1, cp-2, … at .11, .12, … of the subnet")
	f.IntVar(&workers, "workers", 0, "make w-1, w-2, … at .21, .22, … of the subnet")
	f.StringVar(&subnet, "subnet", "10.77.0.0/24", "the lab's network; it must lie outside the cluster's pod and service ranges")
	f.BoolVar(&c.NAT, "nat", false, "two interfaces per machine, as Vagrant makes them: eth0 is 10.0.2.15 everywhere, eth1 has the address")
	f.StringVar(&c.Cache, "cache", "", "folder of the base system (default build/cache/lab-base-HASH)")
	f.StringVar(&c.Mirror, "mirror", "", "Debian mirror to build the base system from (default mmdebstrap's own)")
	cmd.PreRunE = func(cmd *cobra.Command, _ []string) (err error) {
		if c.Name, err = cmd.Flags().GetString("name"); err != nil {
			return err
		}
		if c.Dir, err = labDir(cmd); err != nil {
			return err
		}
		if c.Dir, err = filepath.Abs(c.Dir); err != nil {
			return err
		}
		self, err := os.Executable()
		c.Restart = []string{self, "lab", "start", "--rebooted", "--dir", c.Dir}
		return err
	}
	return cmd
}

func newLabDown() *cobra.Command {
	return &cobra.Command{
		Use:   "down",
		Short: "Remove the lab: machines, their disks, networks and keys; the cached base stays",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := labDir(cmd)
			if err != nil {
				return err
			}
			return lab.Remove(dir)
		},
	}
}

func newLabStart() *cobra.Command {
	var rebooted bool
	cmd := &cobra.Command{
		Use:   "start MACHINE…",
		Short: "Switch machines on again, after kill or poweroff, and wait for them",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			l, err := openLab(cmd)
			if err != nil {
				return err
			}
			if rebooted {
				return l.Restart(args[0])
			}
			return l.Start(cmd.Context(), labSink(cmd), args...)
		},
	}
	cmd.Flags().BoolVar(&rebooted, "rebooted", false, "the machine has just ended in a reboot")
	_ = cmd.Flags().MarkHidden("rebooted") // for what awaits the machine's end
	return cmd
}

func labAct(verb, short string, act func(*lab.Lab, string) error) *cobra.Command {
	return &cobra.Command{
		Use:   verb + " MACHINE…",
		Short: short,
		Args:  cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			l, err := openLab(cmd)
			if err != nil {
				return err
			}
			var faults []error
			for _, name := range args {
				faults = append(faults, act(l, name))
			}
			return errors.Join(faults...)
		},
	}
}

func newLabExec() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "exec MACHINE COMMAND…",
		Short: "Run a command in a machine as root, without its network",
		Args:  cobra.MinimumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			l, err := openLab(cmd)
			if err != nil {
				return err
			}
			command := args[1:]
			if command[0] == "--" && len(command) > 1 { // as people are used to from kubectl exec
				command = command[1:]
			}
			run, err := l.Command(cmd.Context(), args[0], command...)
			if err != nil {
				return err
			}
			run.Stdin, run.Stdout, run.Stderr = os.Stdin, cmd.OutOrStdout(), cmd.ErrOrStderr()
			err = run.Run()
			var exit *exec.ExitError
			if errors.As(err, &exit) && exit.Exited() {
				return &exitError{code: exit.ExitCode()} // the command has said why
			}
			return err
		},
	}
	cmd.Flags().SetInterspersed(false) // what follows the machine belongs to the command
	return cmd
}

// labSink prints the lab's progress: lines for people, events for programs.
func labSink(cmd *cobra.Command) event.Sink {
	if output, err := cmd.Flags().GetString("output"); err == nil && output == "json" {
		return event.NewEncoder(cmd.OutOrStdout())
	}
	return event.SinkFunc(func(e event.Event) {
		subject := strings.TrimSpace(e.Node + " " + e.Subject)
		if e.Node != "" {
			subject = e.Node
		}
		fmt.Fprintf(cmd.ErrOrStderr(), "%s: %s\n", subject, e.Message)
	})
}
