//go:build linux

package node

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/slipway/slipway/internal/event"
)

// Machine is the machine that this process runs on. The zero Machine is the real one.
// Its methods may be called by several processes at once: those that change anything lock it.
type Machine struct {
	Root string     // put before every path; "" on a real machine, a temporary directory in tests
	Sink event.Sink // progress; nil drops it
}

// path is where an absolute path of the machine lies for this process.
func (m Machine) path(elem ...string) string {
	return filepath.Join(append([]string{m.Root, "/"}, elem...)...)
}

func (m Machine) emit(e event.Event) {
	if m.Sink != nil {
		m.Sink.Emit(e)
	}
}

// output runs a program to its end and returns its standard output.
// An error quotes the end of what the program wrote to standard error.
func output(ctx context.Context, stdin io.Reader, argv ...string) (string, error) {
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, &stdout, &stderr
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		if said := tail(stderr.String(), 2000); said != "" {
			err = fmt.Errorf("%w: %s", err, said)
		}
		return stdout.String(), fmt.Errorf("%s: %w", strings.Join(argv, " "), err)
	}
	return stdout.String(), nil
}

// tail is the end of s, at most n bytes.
func tail(s string, n int) string {
	s = strings.TrimSpace(s)
	if len(s) > n {
		s = "…" + strings.ToValidUTF8(s[len(s)-n:], "")
	}
	return s
}
