//go:build linux

package lab

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"strings"
)

//go:embed check.sh
var checkScript string

// Check tries out in the machine what container runtimes and Kubernetes will ask of it, and leaves
// nothing behind. The error says what does not work.
func (l *Lab) Check(ctx context.Context, name string) error {
	cmd, err := l.Command(ctx, name, "/bin/sh", "-s")
	if err != nil {
		return err
	}
	var said bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(checkScript), &said, &said
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("check %s: %w: %s", name, err, tail(said.Bytes(), 1024))
	}
	return nil
}
