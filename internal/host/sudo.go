package host

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"sync"
)

// mark is the environment variable that a command and all it starts carry on a machine, so that
// they can be found and ended: sudo may put them in a session of their own, out of reach of a
// signal to the process group, and sshd forwards no signals for root.
const mark = "SLIPWAY_RUN"

// token makes a mark's value.
func token() string { return rand.Text() }

// reap is the argument vector that sends signal to every process marked with token.
func reap(signal, token string) []string {
	const script = `for f in $(grep -lsF "$2=$3" /proc/[0-9]*/environ); do
	p=${f#/proc/}; kill -s "$1" "${p%/environ}" 2>/dev/null
done; exit 0`
	return []string{"/bin/sh", "-c", script, "sh", signal, mark, token}
}

// sudo is how one host's user becomes root. Safe for concurrent use.
type sudo struct {
	host, user string
	password   []byte // nil: sudo asks for none

	mu       sync.Mutex
	verified bool
	refused  error // not tried again: wrong passwords lock accounts
}

// wrap returns args to be run as root, marked, and what must precede their stdin.
//
// sudo reads a password from stdin only if its rules ask for one. So that it is never left for the
// command to read, the command's stdin starts after a line that holds the token: what precedes
// that line is either consumed by sudo or dropped here. -k keeps a cached login from making it
// any different from one run to the next.
func (s *sudo) wrap(args []string, token string) ([]string, []byte) {
	env := []string{"env", mark + "=" + token, "sh", "-c"}
	if s.password == nil {
		out := append([]string{"sudo", "-n", "--"}, append(env, `exec "$@"`, "sh")...)
		return append(out, args...), nil
	}
	const skip = `while IFS= read -r line; do [ "$line" = "$` + mark + `" ] && exec "$@"; done; exit 1`
	out := append([]string{"sudo", "-k", "-S", "-p", "", "--"}, append(env, skip, "sh")...)
	head := bytes.Join([][]byte{s.password, []byte(token), nil}, []byte("\n"))
	return append(out, args...), head
}

// verify makes sure, once per host, that sudo works, so that its failures are not mistaken for
// the command's. run runs a plain command.
func (s *sudo) verify(ctx context.Context, run func(context.Context, Command) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.verified || s.refused != nil {
		return s.refused
	}
	probe := Command{Args: []string{"sudo", "-n", "--", "true"}}
	if s.password != nil {
		probe.Args = []string{"sudo", "-k", "-S", "-p", "", "--", "true"}
		probe.Stdin = bytes.NewReader(append(bytes.Clone(s.password), '\n'))
	}
	err := run(ctx, probe)
	var failed *RunError
	if errors.As(err, &failed) {
		s.refused = &SudoError{Host: s.host, User: s.user, Reason: s.reason(failed), Err: failed}
		return s.refused
	}
	s.verified = err == nil
	return err
}

func (s *sudo) reason(e *RunError) string {
	switch {
	case e.Status == 127:
		return "sudo is not installed; install it, or connect as root"
	case strings.Contains(e.Stderr, "not in the sudoers file"), strings.Contains(e.Stderr, "not allowed"):
		return "this user may not; add a rule to /etc/sudoers.d"
	case s.password == nil:
		return "sudo wants a password or refuses this user; give the ssh block a sudo password file, or the user a NOPASSWD rule"
	default:
		return "sudo refuses the password; correct the sudo password file"
	}
}
