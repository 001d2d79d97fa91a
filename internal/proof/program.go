package proof

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"time"

	"github.com/slipway/slipway/internal/bundle"
)

// extract writes one of the bundle's executables to path, and checks it against the manifest's sum.
func extract(b *bundle.Bundle, name, path string) (err error) {
	binaries := b.Manifest().Binaries
	i := slices.IndexFunc(binaries, func(x bundle.Binary) bool { return x.Name == name })
	if i < 0 {
		return fmt.Errorf("bundle %s holds no %s", b.Path(), name)
	}
	out, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o700)
	if err != nil {
		return err
	}
	h := sha256.New()
	if err := errors.Join(b.WriteExecutable(io.MultiWriter(out, h), binaries[i]), out.Close()); err != nil {
		return fmt.Errorf("bundle %s: %s: %w", b.Path(), name, err)
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != binaries[i].SHA256 {
		return fmt.Errorf("bundle %s: %s has sha256 %s, expected %s", b.Path(), name, got, binaries[i].SHA256)
	}
	return nil
}

// program is one of the bundle's at work. It is killed with ctx, and at the latest with this process.
type program struct {
	name  string
	log   string // path of what it says
	cmd   *exec.Cmd
	ended chan struct{}
}

// command is one of the bundle's programs with an environment of its own: nothing of the user's, such as a proxy, concerns it.
func (r *run) command(ctx context.Context, file string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, r.dir.Path(file), args...)
	cmd.Dir = r.dir.Path("")
	cmd.Env = []string{"HOME=" + cmd.Dir, "TMPDIR=" + cmd.Dir}
	cmd.SysProcAttr = alone()
	cmd.WaitDelay = time.Second
	return cmd
}

func (r *run) start(ctx context.Context, name, file string, args ...string) (*program, error) {
	p := &program{name: name, log: r.dir.Path(name + ".log"), ended: make(chan struct{})}
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close() // the program has its own
	p.cmd = r.command(ctx, file, args...)
	p.cmd.Stdout, p.cmd.Stderr = log, log
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go func() {
		defer close(p.ended)
		_ = p.cmd.Wait() // how it ended is told by its state
	}()
	return p, nil
}

// stop kills it and waits until it is gone: nothing in it is worth keeping.
func (p *program) stop() {
	_ = p.cmd.Process.Kill() // it may have ended
	<-p.ended
}

// alive is nil while it runs; else it says what its last words were.
func (p *program) alive() error {
	select {
	case <-p.ended:
		return &EndedError{p.name, p.cmd.ProcessState.String(), p.lastWords()}
	default:
		return nil
	}
}

// lastWords is the last line of its log.
func (p *program) lastWords() string {
	text, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	const most = 600
	last := lines[len(lines)-1]
	return string(last[:min(len(last), most)])
}

// EndedError is a program that does not run over what was restored.
type EndedError struct{ name, how, said string }

func (e *EndedError) Error() string {
	return fmt.Sprintf("%s ended over the restored data (%s): %s", e.name, e.how, e.said)
}
