// Package agent puts the slipway binary on a machine and talks to it there: states and blobs go in,
// changes and events come out. It knows no local from remote; a host.Host does.
package agent

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path"
	"sync"

	"github.com/slipway/slipway/internal/host"
	"github.com/slipway/slipway/internal/layout"
)

// Dir is where the binary lies on a machine, named by its digest.
const Dir = layout.Home + "/bin"

// Binary is the slipway executable for the machines' architecture.
type Binary struct {
	Path   string
	SHA256 string // hex
}

// Self is the running executable. It serves machines of the operator's own kind.
func Self() (Binary, error) {
	exe, err := os.Executable()
	if err != nil {
		return Binary{}, fmt.Errorf("find the running executable: %w", err)
	}
	return File(exe)
}

// File is the executable at path.
func File(path string) (Binary, error) {
	f, err := os.Open(path)
	if err != nil {
		return Binary{}, err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return Binary{}, fmt.Errorf("read %s: %w", path, err)
	}
	return Binary{Path: path, SHA256: hex.EncodeToString(h.Sum(nil))}, nil
}

// Installed is where the executable lies on a machine that it was sent to.
func (b Binary) Installed() string { return path.Join(Dir, "slipway-"+b.SHA256[:16]) }

// Agent is the slipway binary on one machine. Safe for concurrent use.
type Agent struct {
	Host host.Host

	binary Binary
	remote string
	push   sync.Mutex
	pushed bool
}

// New is the agent that b will be on h. Nothing is sent before the first call needs it.
func New(h host.Host, b Binary) *Agent {
	return &Agent{Host: h, binary: b, remote: b.Installed()}
}

// call runs one hidden verb on the machine. The binary is sent when the machine says that it lacks it:
// asking first would cost every call a round trip.
func (a *Agent) call(ctx context.Context, stdin io.Reader, stdout io.Writer, verb ...string) error {
	if err := a.ensure(ctx); err != nil {
		return err
	}
	args := append([]string{a.remote, "node"}, verb...)
	return a.Host.Run(ctx, host.Command{Args: args, Stdin: stdin, Stdout: stdout, Root: true})
}

// ensure sends the binary unless the machine has it, once in an Agent's life. A file of this name was
// checked against its digest before it got the name.
func (a *Agent) ensure(ctx context.Context) error {
	a.push.Lock()
	defer a.push.Unlock()
	if a.pushed {
		return nil
	}
	if err := a.Host.Run(ctx, host.Command{Args: []string{"test", "-x", a.remote}, Root: true}); err == nil {
		a.pushed = true
		return nil
	} else if _, failed := asRunError(err); !failed {
		return err
	}
	f, err := os.Open(a.binary.Path)
	if err != nil {
		return err
	}
	defer f.Close()
	const script = `set -e; umask 077; mkdir -p "$1"; t=$(mktemp "$1/.push.XXXXXX"); trap 'rm -f "$t"' EXIT
cat >"$t"; echo "$2  $t" | sha256sum --status -c - || { echo "the binary arrived damaged" >&2; exit 1; }
chmod 0755 "$t"; sync "$t"; mv -f "$t" "$3"`
	err = a.Host.Run(ctx, host.Command{
		Args:  []string{"sh", "-c", script, "slipway-push", Dir, a.binary.SHA256, a.remote},
		Stdin: f, Root: true,
	})
	if err != nil {
		return fmt.Errorf("send the slipway binary: %w", err)
	}
	a.pushed = true
	return nil
}

// ask runs a verb whose input and output are one JSON document each.
func (a *Agent) ask(ctx context.Context, in, out any, verb ...string) error {
	text, err := json.Marshal(in)
	if err != nil {
		return err
	}
	var answer bytes.Buffer
	if err := a.call(ctx, bytes.NewReader(text), &answer, verb...); err != nil {
		return err
	}
	if err := json.Unmarshal(answer.Bytes(), out); err != nil {
		return fmt.Errorf("%s: answer to %q: %w", a.Host, verb[0], err)
	}
	return nil
}

// Path is where the binary lies on the machine.
func (a *Agent) Path() string { return a.remote }
