// Package host is the connection to one machine: run a command there, dial from there.
// Nothing above this package knows whether a machine is local or behind SSH.
package host

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
)

// Command is one program to run on a host, as an argument vector: no shell interprets it.
// Args are visible to every user of the machine and in errors, so secrets go to Stdin only.
type Command struct {
	Args   []string
	Stdin  io.Reader // nil: empty
	Stdout io.Writer // nil: discarded
	Stderr io.Writer // nil: only its end is kept, for RunError
	Root   bool      // run as root, by sudo where the user is another
}

// Host is one machine. Implementations are safe for concurrent use; Run may be called in parallel
// on one Host and shares its connection.
type Host interface {
	// Run runs c to its end. A non-zero exit is a *RunError; anything else that goes wrong
	// names the host. Cancelling ctx ends the remote command.
	Run(ctx context.Context, c Command) error
	// Dial connects from the host to addr ("10.0.0.11:6443"), tunnelled where the host is remote.
	Dial(ctx context.Context, network, addr string) (net.Conn, error)
	// String names the host for messages: "cp-1 (10.0.0.11:22)".
	String() string
	Close() error
}

// RunError is a command that ran and failed.
type RunError struct {
	Host   string
	Args   []string
	Status int    // exit status; -1 when ended by a signal
	Stderr string // its last lines, at most 4 KiB
}

func (e *RunError) Error() string {
	msg := fmt.Sprintf("%s: %s: exit status %d", e.Host, strings.Join(e.Args, " "), e.Status)
	if s := strings.TrimSpace(e.Stderr); s != "" {
		msg += ": " + s
	}
	return msg
}
