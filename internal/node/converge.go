//go:build linux

package node

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/layout"
)

// Converge makes the machine what s says: what is ours and no longer wanted goes, then the
// resources are made in order, then everything is compared once more, and anything left is an
// error. It locks the machine. It may be killed at any point: run again, it finishes.
// A machine of another cluster is a *ForeignError, and nothing is touched.
func (m Machine) Converge(ctx context.Context, s State) error {
	if s.Part {
		return m.converge(ctx, s, m.beginPart, nothing)
	}
	return m.converge(ctx, s, nothing, func() error { return m.keepLast(s) })
}

func nothing() error { return nil }

// converge is Converge with what is remembered before the machine is touched, and when it is as s says.
func (m Machine) converge(ctx context.Context, s State, before, after func() error) error {
	if err := s.validate(); err != nil {
		return err
	}
	release, err := m.lock(ctx, lockPatience)
	if err != nil {
		return err
	}
	defer release()
	inv, err := m.readInventory()
	if err != nil {
		return err
	}
	if err := inv.guard(s); err != nil {
		return err
	}
	changes, err := m.diff(ctx, inv, s)
	if err != nil {
		return err
	}
	if err := before(); err != nil {
		return err
	}
	if err := m.claim(ctx, inv, s, changes); err != nil {
		return err
	}
	if err := m.apply(ctx, inv, s, len(changes)); err != nil {
		return err
	}
	if err := m.settle(ctx, inv, s); err != nil {
		return err
	}
	if err := after(); err != nil {
		return err
	}
	return m.dropBlobs(s)
}

// claim enters everything in the inventory before anything is touched, and forgets of every unit
// the inputs that are about to change: a crash between here and the unit's restart leaves a unit
// that the next run knows to restart.
func (m Machine) claim(ctx context.Context, inv *inventory, s State, changes []Change) error {
	p := m.newPass(inv, s)
	inv.Cluster, inv.Node = s.Cluster, s.Node
	if inv.Found == nil {
		inv.Found = m.look()
		if s.TakeOver {
			m.inherit(inv.Found)
			if err := m.keep(s.Cluster); err != nil {
				return err
			}
		}
	}
	for _, r := range s.Resources {
		e := inv.entry(r.ID())
		switch {
		case e == nil:
			e = &entry{ID: r.ID()}
			if err := r.kind().claim(ctx, p, e); err != nil {
				return fmt.Errorf("%s: %w", r.ID(), err)
			}
			inv.Entries = append(inv.Entries, e)
		case e.Implied:
			e.Implied = false
		}
	}
	for _, c := range changes {
		for _, e := range inv.Entries {
			delete(e.Inputs, c.ID)
		}
	}
	return m.writeInventory(inv)
}

// apply deletes orphans and makes resources, in order.
func (m Machine) apply(ctx context.Context, inv *inventory, s State, total int) error {
	p := m.newPass(inv, s)
	defer p.forgetImages()
	done := 0
	report := func(id string, a Action, reason string) {
		done++
		p.emit(event.Event{Kind: event.Changed, Subject: id, Message: strings.TrimSuffix(string(a)+": "+reason, ": "), Done: int64(done), Total: int64(max(done, total))})
	}
	orphans := inv.orphans(s)
	if err := p.deleteOrphans(ctx, orphans, report, func(e *entry) bool { return !strings.HasPrefix(e.ID, "image ") }); err != nil {
		return err
	}
	for _, batch := range batches(s.Resources) {
		if err := p.applyBatch(ctx, batch, report); err != nil {
			return err
		}
	}
	// Images last: what ran from them until now has been replaced.
	return p.deleteOrphans(ctx, orphans, report, func(e *entry) bool { return strings.HasPrefix(e.ID, "image ") })
}

// batches cuts resources into runs that are applied together: neighbouring binaries, because
// unpacking is slow, and neighbouring images, because their shared layers are then read once.
func batches(rs []Resource) (out [][]Resource) {
	for i, r := range rs {
		if i > 0 && (r.Binary != nil && rs[i-1].Binary != nil || r.Image != nil && rs[i-1].Image != nil) {
			out[len(out)-1] = append(out[len(out)-1], r)
			continue
		}
		out = append(out, []Resource{r})
	}
	return out
}

// applyBatch compares again, for what was applied before may have changed the outcome.
func (p *pass) applyBatch(ctx context.Context, batch []Resource, report func(string, Action, string)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	changes, err := p.diff(ctx, State{Resources: batch})
	if err != nil || len(changes) == 0 {
		return err
	}
	if batch[0].Image != nil {
		if err := p.importImages(ctx, changes); err != nil {
			return err
		}
	} else {
		work, ctx := errgroup.WithContext(ctx)
		work.SetLimit(runtime.NumCPU())
		for _, c := range changes {
			work.Go(func() error {
				if err := p.resources[c.ID].kind().apply(ctx, p); err != nil {
					return fmt.Errorf("%s: %w", c.ID, err)
				}
				return nil
			})
		}
		if err := work.Wait(); err != nil {
			return err
		}
	}
	for _, c := range changes {
		report(c.ID, c.Action, c.Reason)
	}
	return nil
}

func (p *pass) deleteOrphans(ctx context.Context, orphans []*entry, report func(string, Action, string), pick func(*entry) bool) error {
	deleted, reload := false, false
	for _, e := range orphans {
		if !pick(e) {
			continue
		}
		gone, err := p.release(ctx, e)
		if err != nil {
			return fmt.Errorf("delete %s: %w", e.ID, err)
		}
		if gone {
			p.inv.drop(e.ID)
			report(e.ID, Delete, "no longer wanted")
			deleted = true
			reload = reload || strings.HasPrefix(e.ID, "file "+layout.Units+"/")
		}
	}
	if !deleted {
		return nil
	}
	if reload {
		if err := p.reloadUnits(ctx); err != nil {
			return err
		}
	}
	return p.writeInventory(p.inv)
}

// settle compares once more.
func (m Machine) settle(ctx context.Context, inv *inventory, s State) error {
	left, err := m.diff(ctx, inv, s)
	if err := errors.Join(err, m.writeInventory(inv)); err != nil {
		return err
	}
	if len(left) == 0 {
		return nil
	}
	var what []string
	for _, c := range left {
		what = append(what, strings.TrimSuffix(fmt.Sprintf("%s (%s: %s", c.ID, c.Action, c.Reason), ": ")+")")
	}
	return fmt.Errorf("did not converge: %s", strings.Join(what, ", "))
}

// dropBlobs removes what was only sent to be unpacked.
func (m Machine) dropBlobs(s State) error {
	var errs []error
	for _, r := range s.Resources {
		for _, b := range r.Blobs() {
			errs = append(errs, m.Blobs().Remove(b.Digest))
		}
	}
	return errors.Join(errs...)
}
