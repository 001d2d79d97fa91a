// Command slipway makes Kubernetes clusters out of bare machines.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/slipway/slipway/internal/spec"
)

// The exit codes that every verb keeps to.
const (
	exitDone        = 0
	exitFailed      = 1
	exitChanges     = 2 // plan: changes are pending
	exitSpec        = 3 // the user's file or flags are wrong
	exitUnreachable = 4 // a machine is unreachable or unfit
	exitQuorum      = 5 // etcd has lost its quorum
	exitPutBack     = 6 // a node did not come through a change, and the rollout stopped there
	exitGoals       = 7 // drill: it went through, and a goal is missed
)

// exitError carries an exit code; with a nil err nothing is printed.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit %d", e.code)
	}
	return e.err.Error()
}
func (e *exitError) Unwrap() error { return e.err }

func main() { os.Exit(run()) }

// run is main for tests: testscript calls it in-process.
func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root, begun := newRoot(), false
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error {
		if err := errors.Join(cmd.ValidateRequiredFlags(), cmd.ValidateFlagGroups()); err != nil {
			return err
		}
		begun = true
		return nil
	}
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitDone
	}
	code := exitFailed
	if !begun {
		code = exitSpec // there is no such verb, or it takes no such flags or arguments
	}
	var coded *exitError
	if errors.As(err, &coded) {
		code = coded.code
		if coded.err == nil {
			return code
		}
	}
	report(root, begun, err)
	return code
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "slipway",
		Short: "Kubernetes clusters out of bare machines: one HCL file, SSH, plan, apply",
		Long: `Slipway makes highly available, vanilla Kubernetes clusters out of bare Linux machines that
answer SSH, and keeps them that way. One HCL file says what the cluster is; plan shows what
would change, apply makes it so, offline, from one bundle.

Exit codes: 0 done, 1 failed, 2 changes pending (plan), 3 the file or the flags are wrong,
4 a machine is unreachable or unfit, 5 etcd has lost its quorum, 6 a node was put back, 7 a drill missed a goal.`,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return &exitError{exitSpec, fmt.Errorf("%w: see %s --help", err, cmd.CommandPath())}
	})
	root.PersistentFlags().StringP("output", "o", "text", "what to print: text or json")
	root.AddCommand(
		// one line per verb, in the order of help
		newPlan(),
		newApply(),
		newRollback(),
		newRestore(),
		newStatus(),
		newDestroy(),
		newInit(),
		newJoin(),
		newReset(),
		group(newUpgrade()),
		newJoinCommand(),
		group(newToken()),
		newExport(),
		newKubeconfig(),
		group(newEtcd()),
		group(newDrill()),
		group(newBundle()),
		group(newLab()),
		group(newNode()),
		newVersion(spec.SupportedKubernetes()),
	)
	return root
}

// group makes cmd one that only gathers verbs: alone it shows its help, with anything but one of them it fails.
func group(cmd *cobra.Command) *cobra.Command {
	cmd.Args = cobra.NoArgs
	cmd.DisableFlagsInUseLine = true
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	return cmd
}
