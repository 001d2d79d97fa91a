//go:build linux

package node

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
)

func (u *Unit) id() string { return "unit " + u.Name }

// diff restarts a unit whose inputs are not those it was last started with, as the inventory
// remembers them, or are about to change.
func (u *Unit) diff(ctx context.Context, p *pass) (*Change, error) {
	s, err := p.status(ctx, u.Name)
	if err != nil {
		return nil, err
	}
	c := &Change{Before: s.String(), After: "active, enabled"}
	changed := u.changedInputs(p)
	switch {
	case s.Load == "not-found":
		c.Action, c.Before = Create, ""
	case s.Load == "masked":
		c.Action, c.Reason = Start, "masked"
	case s.Active == "failed" || s.Active == "inactive" || s.Sub == "auto-restart":
		c.Action, c.Reason = Start, map[bool]string{true: "failing", false: "stopped"}[s.Active != "inactive"]
	case len(changed) > 0:
		c.Action, c.Reason = Restart, "inputs changed: "+strings.Join(changed, ", ")
	case s.Active != "active":
		c.Action, c.Reason = Start, s.Active
	case s.Enabled == "disabled":
		c.Action, c.Reason = Update, "not enabled, it would not start on boot"
	case s.Stale:
		c.Action, c.Reason = Update, "systemd has not read its file again"
	default:
		return nil, nil
	}
	return c, nil
}

// inputs is what the unit is to be started with, by resource ID.
func (u *Unit) inputs(p *pass) map[string]string {
	in := map[string]string{}
	for _, id := range u.RestartOn {
		in[id] = p.resources[id].fingerprint()
	}
	return in
}

// changedInputs lists the inputs that differ from the last start's.
func (u *Unit) changedInputs(p *pass) (ids []string) {
	var was map[string]string
	if e := p.inv.entry(u.id()); e != nil {
		was = e.Inputs
	}
	want := u.inputs(p)
	for id, fingerprint := range want {
		if was[id] != fingerprint || p.differs[id] {
			ids = append(ids, id)
		}
	}
	for id := range maps.Keys(was) {
		if _, still := want[id]; !still {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

func (u *Unit) claim(ctx context.Context, p *pass, e *entry) error {
	s, err := p.status(ctx, u.Name)
	if err != nil {
		return err
	}
	e.Created = s.Load == "not-found"
	if s.Enabled == "enabled" {
		e.Before += " enabled"
	}
	idle := p.taking && u.Name == "kubelet.service" // without its cluster there is nothing for it to do
	if s.Active == "active" && !idle {
		e.Before += " active"
	}
	return nil
}

// apply starts or restarts the unit once and remembers with what, as soon as it is done.
func (u *Unit) apply(ctx context.Context, p *pass) error {
	c, err := u.diff(ctx, p)
	if err != nil || c == nil {
		return err
	}
	s := p.units[u.Name]
	if s.Load == "masked" {
		if _, err := output(ctx, nil, "systemctl", "unmask", "--", u.Name); err != nil {
			return err
		}
	}
	if s.Stale || s.Load != "loaded" {
		if err := p.reloadUnits(ctx); err != nil {
			return err
		}
		if s, err = p.status(ctx, u.Name); err != nil { // until now systemd may have remembered what was
			return err
		}
	}
	defer func() { p.units = nil; p.forgetImages() }() // what was asked before is out of date
	if s.Enabled != "static" && s.Enabled != "enabled" {
		if _, err := output(ctx, nil, "systemctl", "enable", "--", u.Name); err != nil {
			return err
		}
	}
	if c.Action == Update {
		return nil
	}
	verb := "start"
	if s.Active == "active" || s.Active == "activating" || s.Active == "reloading" {
		verb = "restart" // also with a start under way, which may have read old inputs
	}
	if s.Active == "failed" || s.Sub == "auto-restart" {
		if _, err := output(ctx, nil, "systemctl", "reset-failed", "--", u.Name); err != nil {
			return err
		}
	}
	_, startErr := output(ctx, nil, "systemctl", verb, "--", u.Name)
	if err := awaitActive(ctx, u.Name, startErr); err != nil {
		return err
	}
	p.inv.entry(u.id()).Inputs = u.inputs(p)
	return p.writeInventory(p.inv)
}

// releaseUnit stops and disables the unit, or leaves it running where it ran before us: with its
// own file, which is put back after this, it is for its owner to restart.
func (p *pass) releaseUnit(ctx context.Context, e *entry, name string) error {
	units, err := unitStatuses(ctx, []string{name})
	if err != nil {
		return err
	}
	if units[name].Load == "not-found" {
		return nil
	}
	if !strings.Contains(e.Before, "enabled") {
		_, err = output(ctx, nil, "systemctl", "disable", "--", name)
	}
	_, stopErr := output(ctx, nil, "systemctl", "stop", "--", name)
	if err := errors.Join(err, stopErr); err != nil {
		return err
	}
	if units[name].Active == "failed" {
		_, err = output(ctx, nil, "systemctl", "reset-failed", "--", name)
	}
	return err
}
