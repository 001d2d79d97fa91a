package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"os/user"
	"syscall"
)

// Local is the machine that this process runs on. A command has this process's environment and
// working directory, and a process group of its own.
type Local struct {
	sudo *sudo // nil: already root
}

// NewLocal returns the machine that this process runs on. Root commands go through sudo, without
// a password, unless the process is root's.
func NewLocal() *Local {
	l := &Local{}
	if os.Geteuid() == 0 {
		return l
	}
	l.sudo = &sudo{host: l.String(), user: fmt.Sprint(os.Geteuid())}
	if u, err := user.Current(); err == nil {
		l.sudo.user = u.Username
	}
	return l
}

// Run implements Host. A program that does not exist is a *RunError of status 127, one that
// cannot be executed of status 126, as a shell has it.
func (l *Local) Run(ctx context.Context, c Command) error {
	if err := c.check(); err != nil {
		return fmt.Errorf("%s: %w", l, err)
	}
	j := newJob(ctx, l.String(), c)
	defer j.cancel(nil)
	if !c.Root || l.sudo == nil {
		return l.run(j, c.Args, signalGroup)
	}
	if err := l.sudo.verify(ctx, l.Run); err != nil {
		return err
	}
	id := token()
	args, _ := l.sudo.wrap(c.Args, id)
	return l.run(j, args, func(_ *os.Process, signal string) error { return l.reap(signal, id) })
}

// run starts args and waits; signal ends what it started.
func (l *Local) run(j *job, args []string, signal func(*os.Process, string) error) error {
	if err := j.ctx.Err(); err != nil {
		return j.cause()
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdout, cmd.Stderr = j.stdout, j.stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return fmt.Errorf("%s: %s: %w", l, args[0], err)
	}
	if err := cmd.Start(); err != nil {
		return j.startError(err)
	}
	go j.feed(stdin, nil)
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	err = j.await(done, func(name string) error { return signal(cmd.Process, name) })
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return j.runError(exit.ExitCode())
	}
	return err
}

func (j *job) startError(err error) error {
	status := 126
	switch {
	case errors.Is(err, exec.ErrNotFound), errors.Is(err, fs.ErrNotExist):
		status = 127
	case !errors.Is(err, fs.ErrPermission) && !errors.Is(err, syscall.ENOEXEC):
		return fmt.Errorf("%s: %w", j.host, err)
	}
	return &RunError{Host: j.host, Args: j.Args, Status: status, Stderr: err.Error()}
}

// signalGroup signals all that p started, unless it moved to another process group.
func signalGroup(p *os.Process, name string) error {
	sig := syscall.SIGTERM
	if name == "KILL" {
		sig = syscall.SIGKILL
	}
	if err := syscall.Kill(-p.Pid, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("signal process group %d: %w", p.Pid, err)
	}
	return nil
}

// reap signals what sudo started, which belongs to root.
func (l *Local) reap(signal, id string) error {
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	return l.Run(ctx, Command{Args: append([]string{"sudo", "-n", "--"}, reap(signal, id)...)})
}

// Dial implements Host.
func (l *Local) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, addr)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", l, err)
	}
	return conn, nil
}

// String names the machine for messages.
func (l *Local) String() string {
	if h, err := os.Hostname(); err == nil {
		return h + " (this machine)"
	}
	return "this machine"
}

// Close implements Host; there is nothing to close.
func (l *Local) Close() error { return nil }
