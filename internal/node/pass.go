//go:build linux

package node

import (
	"context"
	"fmt"
	"os"
	"strings"
	"unicode/utf8"
)

// kind is what every kind of resource knows to do.
type kind interface {
	// diff compares the machine with the resource; nil means equal. It changes nothing.
	diff(ctx context.Context, p *pass) (*Change, error)
	// claim notes in e, which is new, what release needs to put the machine back.
	// It is called before the resource is first applied, and may be again after a crash.
	claim(ctx context.Context, p *pass, e *entry) error
	// apply makes the machine as the resource says, knowing that it differs. A crash
	// in its midst leaves something that diff shows.
	apply(ctx context.Context, p *pass) error
}

// kind returns the one field of r that is set.
func (r Resource) kind() kind {
	switch {
	case r.Dir != nil:
		return r.Dir
	case r.File != nil:
		return r.File
	case r.Binary != nil:
		return r.Binary
	case r.Image != nil:
		return r.Image
	case r.Unit != nil:
		return r.Unit
	case r.Sysctl != nil:
		return r.Sysctl
	case r.Module != nil:
		return r.Module
	}
	return r.Swap
}

// pass is one walk over a State on a machine: what it has read of the machine so far.
// It is not safe for concurrent use.
type pass struct {
	Machine
	inv       *inventory
	resources map[string]Resource // by ID
	unitNames []string
	differs   map[string]bool       // IDs found to differ
	taking    bool                  // State.TakeOver, on a machine that another tool's cluster was on
	units     map[string]unitStatus // nil: not asked yet
	images    *imageList            // nil: not asked yet
}

func (m Machine) newPass(inv *inventory, s State) *pass {
	p := &pass{Machine: m, inv: inv, resources: map[string]Resource{}, differs: map[string]bool{}, taking: s.TakeOver && (inv.Found == nil || m.kept(s.Cluster))}
	for _, r := range s.Resources {
		p.resources[r.ID()] = r
		if r.Unit != nil {
			p.unitNames = append(p.unitNames, r.Unit.Name)
		}
	}
	return p
}

// diff compares every resource in order.
func (p *pass) diff(ctx context.Context, s State) ([]Change, error) {
	var changes []Change
	for _, r := range s.Resources {
		c, err := r.kind().diff(ctx, p)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", r.ID(), err)
		}
		if c != nil {
			c.ID = r.ID()
			p.differs[c.ID] = true
			changes = append(changes, *c)
		}
	}
	return changes, nil
}

// Diff tells what differs between the machine and s: that it is Unfinished, orphans to delete, last made first,
// then the resources of s in order. It changes nothing and takes no lock.
// A machine of another cluster is a *ForeignError.
func (m Machine) Diff(ctx context.Context, s State) ([]Change, error) {
	if err := s.validate(); err != nil {
		return nil, err
	}
	inv, err := m.readInventory()
	if err != nil {
		return nil, err
	}
	if err := inv.guard(s); err != nil {
		return nil, err
	}
	changes, err := m.diff(ctx, inv, s)
	if err != nil {
		return nil, err
	}
	unfinished, err := m.unfinished(s)
	return append(unfinished, changes...), err
}

func (m Machine) diff(ctx context.Context, inv *inventory, s State) ([]Change, error) {
	p := m.newPass(inv, s)
	defer p.forgetImages()
	deletes, err := p.orphanChanges(s)
	if err != nil {
		return nil, err
	}
	changes, err := p.diff(ctx, s)
	if err != nil {
		return nil, err
	}
	return append(deletes, changes...), nil
}

// orphanChanges shows what would be deleted.
func (p *pass) orphanChanges(s State) ([]Change, error) {
	var changes []Change
	for _, e := range p.inv.orphans(s) {
		c := Change{ID: e.ID, Action: Delete, Reason: "no longer wanted"}
		kind, name, _ := strings.Cut(e.ID, " ")
		switch kind {
		case "dir":
			// One that still holds something of somebody's stays.
			list, err := os.ReadDir(p.path(name))
			if err != nil || len(list) > 0 || !e.Created {
				continue
			}
		case "file":
			b, err := os.ReadFile(p.path(name))
			if err == nil {
				c.Before = show(b, e.Secret)
			}
		}
		changes = append(changes, c)
	}
	return changes, nil
}

func (inv *inventory) guard(s State) error {
	if inv.Cluster != "" && inv.Cluster != s.Cluster {
		return &ForeignError{Cluster: inv.Cluster, Node: inv.Node}
	}
	return nil
}

// show is content as a reader may see it.
func show(content []byte, secret bool) string {
	if secret || !utf8.Valid(content) {
		return hash(content)
	}
	return string(content)
}
