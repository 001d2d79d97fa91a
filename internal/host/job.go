package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

const (
	grace      = 2 * time.Second        // between asking a command to end and killing it
	askAgain   = 300 * time.Millisecond // a command that was only being started may miss the first signal
	feedLinger = 100 * time.Millisecond // for a stdin that is being read when the command ends
)

// job is one command in flight: its streams, and why it must end early if it must.
type job struct {
	host string
	Command
	ctx            context.Context // done when the caller cancels or a stream fails
	cancel         context.CancelCauseFunc
	failed         atomic.Bool // a stream of the caller's did
	stdout, stderr *outlet
	end            tail          // of stderr
	fed            chan struct{} // closed when Stdin is used up or given up
}

func newJob(ctx context.Context, host string, c Command) *job {
	j := &job{host: host, Command: c, fed: make(chan struct{})}
	j.ctx, j.cancel = context.WithCancelCause(ctx)
	outMu, errMu := &sync.Mutex{}, &sync.Mutex{}
	if same(c.Stdout, c.Stderr) {
		errMu = outMu
	}
	j.stdout = &outlet{name: "stdout", w: c.Stdout, mu: outMu, fail: j.fail}
	j.stderr = &outlet{name: "stderr", w: c.Stderr, mu: errMu, fail: j.fail, keep: &j.end}
	return j
}

// fail ends the command because a stream of the caller's failed.
func (j *job) fail(err error) {
	j.failed.Store(true)
	j.cancel(err)
}

func same(a, b io.Writer) bool {
	defer func() { _ = recover() }() // two equal types that cannot be compared are two writers
	return a != nil && a == b
}

// feed sends head and then Stdin to w and closes it. A Stdin that fails ends the command: closing
// w would pass half the data off as all of it.
func (j *job) feed(w io.WriteCloser, head []byte) {
	defer close(j.fed)
	sink := &noting{w: w}
	if len(head) > 0 {
		if _, err := sink.Write(head); err != nil {
			return // the command ended without reading; its status tells
		}
	}
	if j.Stdin != nil {
		_, err := io.Copy(sink, j.Stdin)
		if sink.err != nil {
			return
		}
		if err != nil {
			j.fail(fmt.Errorf("read stdin: %w", err))
			return
		}
	}
	_ = w.Close() // fails only if the command is gone, and then its status tells
}

// noting remembers a write error, so that a copy's read and write errors can be told apart.
type noting struct {
	w   io.Writer
	err error
}

func (n *noting) Write(p []byte) (int, error) {
	k, err := n.w.Write(p)
	n.err = err
	return k, err
}

// await returns the command's own outcome, or ends the command by signal ("TERM", then "KILL")
// once the job's context is done.
func (j *job) await(done <-chan error, signal func(name string) error) error {
	select {
	case err := <-done:
		j.close()
		if err != nil || !j.failed.Load() {
			return err
		}
	case <-j.ctx.Done():
		err := stop(done, signal)
		j.close()
		if err != nil {
			return fmt.Errorf("%w; ending it failed: %w", j.cause(), err)
		}
	}
	return j.cause()
}

func (j *job) cause() error {
	return fmt.Errorf("%s: %s: %w", j.host, j.Args[0], context.Cause(j.ctx))
}

// close detaches the caller's streams: none is touched after Run has returned, unless the call
// that touches it was already under way and blocks.
func (j *job) close() {
	j.stdout.shut.Store(true)
	j.stderr.shut.Store(true)
	select {
	case <-j.fed:
	case <-time.After(feedLinger):
	}
}

func (j *job) runError(status int) error {
	return &RunError{Host: j.host, Args: j.Args, Status: status, Stderr: j.end.String()}
}

// stop signals until done delivers: politely for the grace time, then with KILL.
func stop(done <-chan error, signal func(string) error) error {
	var err error
	for _, name := range []string{"TERM", "KILL"} {
		for start := time.Now(); time.Since(start) < grace; {
			err = signal(name)
			select {
			case <-done: //nolint:errcheck // how it ended is told by whoever waits for it
				return signal("KILL") // what the command left behind
			case <-time.After(askAgain):
			}
		}
	}
	return errors.Join(errors.New("it does not end"), err)
}

// outlet passes writes on until its writer fails. It never returns an error, since a command
// that blocks on a full pipe could not be ended politely.
type outlet struct {
	name string
	w    io.Writer   // nil: discard
	mu   *sync.Mutex // one for both outlets where both have one writer
	keep *tail       // nil: none
	fail func(error)
	shut atomic.Bool // write nothing more
}

func (o *outlet) Write(p []byte) (int, error) {
	if o.keep != nil {
		o.keep.add(p)
	}
	if o.w == nil {
		return len(p), nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.shut.Load() {
		return len(p), nil
	}
	if _, err := o.w.Write(p); err != nil {
		o.shut.Store(true)
		o.fail(fmt.Errorf("write %s: %w", o.name, err))
	}
	return len(p), nil
}
