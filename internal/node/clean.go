//go:build linux

package node

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/layout"
)

// removedName begins the names under which etcd's data stays beside new data, where layout.Removed is on another disk.
const removedName = "removed-"

// Clean leaves the machine as Converge found it: pods and units stopped, mounts, interfaces, packet
// filter rules, cgroups and files gone, what was overwritten or set put back. Modules stay loaded.
// etcd's data is moved aside unless c.Purge. It goes on past failures and joins them; what Slipway
// knows of the machine is kept until all has gone well, so that it can be run again.
// A machine that is in no cluster loses only what Slipway put into its home.
func (m Machine) Clean(ctx context.Context, c Cleaning) error {
	release, err := m.lock(ctx, lockPatience)
	if err != nil {
		return err
	}
	defer release()
	inv, err := m.readInventory()
	if err != nil {
		return err
	}
	if inv.Cluster != "" && c.Cluster != "" && inv.Cluster != c.Cluster {
		return &ForeignError{Cluster: inv.Cluster, Node: inv.Node}
	}
	if inv.Cluster != "" || len(inv.Entries) > 0 || c.Force {
		if inv.Found == nil {
			inv.Found = &found{}
		}
		if err := m.takeApart(ctx, inv, c); err != nil {
			return err
		}
	}
	if _, err := os.Stat(m.path(KeptDir(inv.Cluster))); inv.Cluster != "" && err == nil {
		m.emit(event.Event{Kind: event.Warning, Subject: "files of kubeadm", Message: "are kept in " + KeptDir(inv.Cluster) + ": delete them when the cluster is not wanted any more"})
	}
	if err := errors.Join(os.RemoveAll(m.Blobs().Dir), os.RemoveAll(m.path(layout.Home))); err != nil {
		return err
	}
	if c.Binary != "" {
		return ignore(os.ErrNotExist, os.Remove(m.path(c.Binary)))
	}
	return nil
}

// takeApart goes from what runs to what it ran from.
func (m Machine) takeApart(ctx context.Context, inv *inventory, c Cleaning) error {
	p := m.newPass(inv, State{})
	// Pods come back while the units run, and files are in use while pods do.
	if err := p.step("units", func() error { return p.releaseAll(ctx, func(e *entry) bool { return kindOf(e) == "unit" }) }); err != nil {
		return err
	}
	if err := p.step("pods", func() error { return m.killPods(ctx) }); err != nil {
		return err
	}
	if err := p.step("mounts", m.unmountAll); err != nil {
		return err
	}
	return errors.Join(
		p.step("interfaces", func() error { return m.removeLinks(inv.Found.Links, c.Addresses) }),
		p.step("packet filter", func() error { return m.removeRules(ctx) }),
		p.step("IP sets", func() error { return m.removeSets(ctx) }),
		p.step("cgroups", func() error { return m.removeCgroups(ctx) }),
		p.step("drills", func() error { return m.emptyFilled(ctx) }), // moving etcd's data may take some room
		p.step("etcd data", func() error { return m.removeEtcd(c.Purge) }),
		p.step("files", func() error {
			return p.releaseAll(ctx, func(e *entry) bool { return kindOf(e) != "unit" && kindOf(e) != "image" })
		}),
		p.step("data", func() error { return p.removePlaces() }),
		// Directories that held the data, and kernel parameters that were set behind our back.
		p.step("directories", func() error { return p.releaseAll(ctx, func(e *entry) bool { return kindOf(e) == "dir" }) }),
		p.step("kernel parameters", func() error { return p.restoreSysctls() }),
		p.step("systemd", func() error { return p.restoreUnits(ctx) }),
	)
}

// step tells what is done, and names it in errors.
func (p *pass) step(name string, do func() error) error {
	if err := do(); err != nil {
		return fmt.Errorf("clean %s: %w", name, err)
	}
	p.emit(event.Event{Kind: event.Changed, Subject: name, Message: "cleaned"})
	return nil
}

func kindOf(e *entry) string {
	kind, _, _ := strings.Cut(e.ID, " ")
	return kind
}

// releaseAll releases the entries that pick says, last made first.
func (p *pass) releaseAll(ctx context.Context, pick func(*entry) bool) error {
	var errs []error
	for _, e := range slices.Backward(p.inv.Entries) {
		if !pick(e) {
			continue
		}
		if _, err := p.release(ctx, e); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", e.ID, err))
		}
	}
	return errors.Join(errs...)
}

func (p *pass) restoreSysctls() error {
	var errs []error
	for key, was := range p.inv.Found.Sysctls {
		got, err := p.readSysctl(key)
		if err != nil || got == was {
			continue // gone with its module or interface
		}
		if err := p.writeSysctl(key, was); err != nil && !errors.Is(err, os.ErrPermission) {
			errs = append(errs, fmt.Errorf("set %s back to %s: %w", key, was, err))
		}
	}
	return errors.Join(errs...)
}

// restoreUnits makes systemd forget our unit files, and starts what ran before under the same names.
func (p *pass) restoreUnits(ctx context.Context) error {
	var again []string
	ours := false
	for _, e := range p.inv.Entries {
		ours = ours || kindOf(e) == "unit"
		if kindOf(e) == "unit" && strings.Contains(e.Before, "active") {
			again = append(again, strings.TrimPrefix(e.ID, "unit "))
		}
	}
	if !ours {
		return nil
	}
	if err := p.reloadUnits(ctx); err != nil || len(again) == 0 {
		return err
	}
	_, err := output(ctx, nil, append([]string{"systemctl", "start", "--"}, again...)...)
	return err
}

// removeEtcd moves the data aside: where layout.Removed is on another disk, within its own.
func (m Machine) removeEtcd(purge bool) error {
	member := m.path(layout.EtcdMember)
	if _, err := os.Lstat(member); err != nil || purge {
		return errors.Join(ignore(os.ErrNotExist, err), os.RemoveAll(member))
	}
	now := time.Now().UTC().Format("20060102T150405Z")
	aside := m.path(layout.Removed, now, "etcd")
	if err := os.MkdirAll(aside, 0o700); err != nil {
		return err
	}
	to := aside + "/member"
	if err := os.Rename(member, to); err != nil {
		if err := errors.Join(os.Remove(aside), os.Remove(m.path(layout.Removed, now))); err != nil {
			return err
		}
		_ = os.Remove(m.path(layout.Removed)) // unless something else is in it
		to = m.path(layout.Etcd, removedName+now)
		if err := os.Rename(member, to); err != nil {
			return err
		}
	}
	m.emit(event.Event{Kind: event.Warning, Subject: "etcd data", Message: "moved to " + to + ": delete it when the cluster is not wanted any more"})
	return nil
}
