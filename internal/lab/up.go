//go:build linux

package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/slipway/slipway/internal/event"
)

// Up makes the lab that c describes and returns when every machine answers. On a lab that exists it
// starts what is off and adds the machines that are new; it never changes or removes a machine.
// When it fails or is cancelled, what it made stays for the next Up, or for Down.
func Up(ctx context.Context, c Config, sink event.Sink) (*Lab, error) {
	begin := time.Now()
	c, err := c.complete()
	if err != nil {
		return nil, err
	}
	if err := errors.Join(requireRoot(), requireTools(toolNspawn, toolNsenter)); err != nil {
		return nil, err
	}
	sink = event.On(sink, "", "lab")
	base, err := ensureBase(ctx, c.Cache, c.Mirror, sink)
	if err != nil {
		return nil, err
	}
	l, err := declare(c, base)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(raiseLimits(), l.make(ctx, sink)); err != nil {
		return nil, fmt.Errorf("lab %s: %w", l.state.Name, err)
	}
	sink.Emit(event.Event{Kind: event.Done, Subject: "lab " + l.state.Name, Message: fmt.Sprintf("%d machines up in %.1f s", len(l.state.Machines), time.Since(begin).Seconds())})
	return l, nil
}

// declare writes down what is about to be made, so that Down can undo whatever part gets done.
func declare(c Config, base string) (*Lab, error) {
	if err := os.MkdirAll(c.Dir, 0o755); err != nil {
		return nil, err
	}
	l := &Lab{dir: c.Dir, state: state{Version: stateVersion, Name: c.Name, Subnet: c.Subnet, NAT: c.NAT, Base: base}}
	unlock, err := l.lock()
	if err != nil {
		return nil, err
	}
	defer unlock()
	switch former, err := Open(c.Dir); {
	case errors.Is(err, ErrNoLab):
		if l.state.Parents, err = cgroupParents(c.Name); err != nil {
			return nil, err
		}
	case err != nil:
		return nil, err
	case former.state.Name != c.Name || former.state.Subnet != c.Subnet || former.state.NAT != c.NAT:
		return nil, fmt.Errorf("%s holds lab %s on %s (NAT %v), not %s on %s (NAT %v): take it down first, or use another --dir",
			c.Dir, former.state.Name, former.state.Subnet, former.state.NAT, c.Name, c.Subnet, c.NAT)
	default:
		l.state = former.state
	}
	l.state.Restart = c.Restart
	if err := l.add(c.Nodes); err != nil {
		return nil, err
	}
	return l, l.save()
}

// add appends the machines that the lab does not have yet.
func (l *Lab) add(machines []Machine) error {
	for _, m := range machines {
		have, err := l.machine(m.Name)
		switch {
		case err != nil:
			l.state.Machines = append(l.state.Machines, m)
		case have.Machine != m:
			return fmt.Errorf("machine %s exists with %s and a memory limit of %d, not %s and %d: take the lab down first",
				m.Name, have.Address, have.Memory, m.Address, m.Memory)
		}
	}
	all := Config{Subnet: l.state.Subnet, Nodes: l.state.Machines} // a new one may take an old one's address
	return all.checkNodes()
}

func (l *Lab) make(ctx context.Context, sink event.Sink) error {
	unlock, err := l.lock()
	if err != nil {
		return err
	}
	err = l.makeLocked(ctx)
	unlock()
	if err != nil {
		return err
	}
	return awaitAll(ctx, l.instances(), sink)
}

// awaitAll waits until all machines have booted.
func awaitAll(ctx context.Context, machines []instance, sink event.Sink) error {
	var wait errgroup.Group
	faults := make([]error, len(machines))
	for i, m := range machines {
		wait.Go(func() error {
			faults[i] = m.ready(ctx, sink)
			return nil
		})
	}
	_ = wait.Wait()
	return errors.Join(faults...)
}

func (l *Lab) makeLocked(ctx context.Context) error {
	if _, err := ensureKey(l.PrivateKey(), "slipway lab "+l.state.Name); err != nil {
		return err
	}
	if _, err := ensurePassword(l.SudoPassword()); err != nil {
		return err
	}
	if err := l.writeClientFiles(); err != nil {
		return err
	}
	if err := l.ensureBridge(); err != nil {
		return err
	}
	for _, m := range l.instances() {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := m.ensureDisk(ctx); err != nil {
			return err
		}
		if err := m.powerOn(); err != nil {
			return err
		}
	}
	return nil
}
