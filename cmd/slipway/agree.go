package main

import (
	"bufio"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// agreed asks for the name of what is at stake, so that nobody agrees to the wrong thing by habit. Any other answer, or none, is a no.
func agreed(cmd *cobra.Command, name, question string, args ...any) error {
	fmt.Fprintf(cmd.ErrOrStderr(), question, args...)
	answer, _ := bufio.NewReader(cmd.InOrStdin()).ReadString('\n') // no answer is no
	if strings.TrimSpace(answer) != name {
		return &exitError{exitSpec, fmt.Errorf("nothing was changed: the answer was not %q (--yes goes on without asking)", name)}
	}
	return nil
}
