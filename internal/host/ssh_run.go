package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/crypto/ssh"
)

// Run implements Host. At most eight commands run at once; others wait their turn.
// A program that does not exist is a *RunError of status 127; a login or sudo that fails is not
// a RunError but a *SudoError or *UnreachableError.
func (s *SSH) Run(ctx context.Context, c Command) error {
	if err := c.check(); err != nil {
		return fmt.Errorf("%s: %w", s, err)
	}
	select {
	case s.sessions <- struct{}{}:
	case <-s.last().over:
		return s.lost()
	case <-ctx.Done():
		return fmt.Errorf("%s: %s: %w", s, c.Args[0], context.Cause(ctx))
	}
	defer func() { <-s.sessions }()
	root := c.Root && s.sudo != nil
	if root {
		if err := s.sudo.verify(ctx, func(ctx context.Context, c Command) error { return s.run(ctx, c, false) }); err != nil {
			return err
		}
	}
	return s.run(ctx, c, root)
}

// run runs c in a session of its own.
func (s *SSH) run(ctx context.Context, c Command, root bool) error {
	id := token()
	line, head := s.line(c.Args, root, id)
	if len(line) >= maxLine {
		return fmt.Errorf("%s: %s: command line of %d bytes, at most %d are possible: pass data on stdin",
			s, c.Args[0], len(line), maxLine-1)
	}
	j := newJob(ctx, s.name, c)
	defer j.cancel(nil)
	session, err := s.open(j)
	if err != nil {
		return err
	}
	defer session.Close()
	session.Stdout, session.Stderr = j.stdout, j.stderr
	stdin, err := session.StdinPipe()
	if err != nil {
		return s.explain(j, err)
	}
	done := make(chan error, 1)
	go func() { done <- start(session, line, func() { j.feed(stdin, head) }) }()
	return s.explain(j, j.await(done, func(signal string) error { return s.signal(session, root, signal, id) }))
}

// start runs line in session to its end, with feed at work beside it.
func start(session *ssh.Session, line string, feed func()) error {
	if err := session.Start(line); err != nil {
		return fmt.Errorf("start: %w", err)
	}
	go feed()
	return session.Wait()
}

// line is the command line for the login shell, and what must precede the command's stdin.
func (s *SSH) line(args []string, root bool, id string) (string, []byte) {
	var head []byte
	if root {
		args, head = s.sudo.wrap(args, id)
	}
	return "export " + mark + "=" + id + "; exec " + quoteAll(args...), head
}

// open opens a session. A server that allows fewer sessions than we use refuses some: while
// others of ours are open, one of them will make room.
func (s *SSH) open(j *job) (*ssh.Session, error) {
	for {
		session, err := s.newSession(j.ctx)
		if err != nil && j.ctx.Err() != nil {
			return nil, j.cause()
		}
		var full *ssh.OpenChannelError
		if err == nil || !errors.As(err, &full) || len(s.sessions) < 2 {
			return session, s.explain(j, err)
		}
		select {
		case <-j.ctx.Done():
			return nil, j.cause()
		case <-time.After(askAgain):
		}
	}
}

// newSession opens a session or gives up when ctx is done.
func (s *SSH) newSession(ctx context.Context) (*ssh.Session, error) {
	type opened struct {
		session *ssh.Session
		err     error
	}
	result := make(chan opened, 1)
	go func() {
		session, err := s.last().client.NewSession()
		result <- opened{session, err}
	}()
	select {
	case o := <-result:
		return o.session, o.err
	case <-ctx.Done():
		go func() {
			if o := <-result; o.err == nil {
				_ = o.session.Close() // unused
			}
		}()
		return nil, context.Cause(ctx)
	}
}

// signal sends a signal to all that a command started. sshd itself signals only for users other
// than root and only its own child, so a second session looks for the command's mark.
func (s *SSH) signal(session *ssh.Session, root bool, signal, id string) error {
	_ = session.Signal(ssh.Signal(signal)) // reaches the command where no second session is to be had
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	select {
	case s.endings <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-s.endings }()
	reaper, err := s.newSession(ctx)
	if err != nil {
		return err
	}
	defer reaper.Close()
	line, head := quoteAll(reap(signal, id)...), []byte(nil)
	if root {
		args, h := s.sudo.wrap(reap(signal, id), token())
		line, head = quoteAll(args...), h
	}
	stdin, err := reaper.StdinPipe()
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = reaper.Close() })
	defer stop()
	return start(reaper, line, func() {
		_, _ = stdin.Write(head) // the reaper's status tells
		_ = stdin.Close()
	})
}

// explain turns what the SSH library says of a command into this package's errors.
func (s *SSH) explain(j *job, err error) error {
	if err == nil {
		return nil
	}
	var exit *ssh.ExitError
	if errors.As(err, &exit) {
		if exit.Signal() != "" {
			return j.runError(-1)
		}
		return j.runError(exit.ExitStatus())
	}
	if j.ctx.Err() != nil && errors.Is(err, context.Cause(j.ctx)) {
		return err // the caller's own wish
	}
	var missing *ssh.ExitMissingError
	if errors.As(err, &missing) || errors.Is(err, io.EOF) || s.last().lost() != nil {
		_ = s.last().confirmLost()
		if lost := s.lost(); lost != nil {
			return lost
		}
		return fmt.Errorf("%s: %s: ended without an exit status; it or its session was killed", s, j.Args[0])
	}
	return fmt.Errorf("%s: %s: %w", s, j.Args[0], err)
}
