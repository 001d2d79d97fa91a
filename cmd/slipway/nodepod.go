//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"syscall"

	"github.com/spf13/cobra"
)

// lastWord is where a container leaves what its pod's status shows of it.
const lastWord = "/dev/termination-log"

// podVerb is a verb that runs in a pod which another machine started, with the machine's root at --root. What it answers, or why it
// failed, becomes the last word of its container.
func podVerb(use, short string, args int, work func(ctx context.Context, args []string) (any, error)) *cobra.Command {
	var root string
	cmd := &cobra.Command{
		Use: use, Short: short, Args: cobra.ExactArgs(args),
		RunE: func(cmd *cobra.Command, args []string) error {
			said, err := os.OpenFile(lastWord, os.O_WRONLY|os.O_TRUNC, 0)
			if err != nil {
				return err
			}
			defer said.Close()
			answer, err := func() (any, error) {
				if err := enter(root); err != nil {
					return nil, err
				}
				return work(cmd.Context(), args)
			}()
			if err != nil {
				fmt.Fprint(said, err)
				return err
			}
			return json.NewEncoder(said).Encode(answer)
		},
	}
	cmd.Flags().StringVar(&root, "root", "/", "where the machine's root is")
	return cmd
}

// enter makes the machine's root this process's.
func enter(root string) error {
	if err := syscall.Chroot(root); err != nil {
		return fmt.Errorf("chroot %s: %w", root, err)
	}
	return os.Chdir("/")
}
