package bootstrap

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/slipway/slipway/components"
	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/node"
	"github.com/slipway/slipway/internal/plan"
	"github.com/slipway/slipway/internal/preflight"
	"github.com/slipway/slipway/internal/spec"
)

// UnfitError is one finding about a machine that forbids going on.
type UnfitError struct{ finding preflight.Finding }

func (e *UnfitError) Error() string {
	return strings.TrimPrefix(e.finding.Node+": "+e.finding.What, ": ") // some findings are about the cluster
}

func (e *UnfitError) Node() string   { return e.finding.Node }
func (e *UnfitError) Remedy() string { return e.finding.Remedy }

func unfit(name, what, remedy string) error {
	return &UnfitError{preflight.Finding{Node: name, What: what, Remedy: remedy}}
}

// Plan finds out what an apply would change. It changes nothing on a machine, except that it leaves
// the slipway binary in /var/lib/slipway, which looks around there.
func (r *Run) Plan(ctx context.Context) (_ *plan.Plan, err error) {
	if err := errors.Join(r.guard(), r.guardRecovery()); err != nil {
		return nil, err
	}
	if err := r.openBundle(); err != nil {
		return nil, err
	}
	if err := r.connect(ctx); err != nil {
		return nil, r.unreached(ctx, err)
	}
	if err := r.loadCerts(ctx); err != nil {
		return nil, err
	}
	p := &plan.Plan{
		Format: plan.FormatVersion, Cluster: r.Cluster.Name, ID: r.certs.ClusterID(),
		Kubernetes: r.Cluster.Kubernetes, Spec: r.Cluster.Digest(),
	}
	if err := r.observe(ctx, p); err != nil {
		return nil, err
	}
	if err := r.mayRollOut(ctx); err != nil {
		return nil, err
	}
	if err := r.findGone(ctx, p); err != nil {
		return nil, err
	}
	if err := r.observeObjects(ctx, p); err != nil {
		return nil, err
	}
	if err := r.replacedObjects(ctx, p); err != nil {
		return nil, err
	}
	r.tellMembers(p)
	if r.rollout != nil || r.anyServes(ctx) && !r.taking {
		err = r.course(p)
	}
	return p, err
}

// observe fills in every machine's facts, wanted state and differences.
func (r *Run) observe(ctx context.Context, p *plan.Plan) error {
	if err := r.eachStage("facts", r.machines, func(m *machine, _ event.Sink) error { return r.look(ctx, m) }); err != nil {
		return err
	}
	if err := r.findTaken(ctx); err != nil {
		return err
	}
	if err := r.recall(ctx); err != nil {
		return err
	}
	if err := r.recallMembers(ctx); err != nil {
		return err
	}
	if err := r.guardMachines(); err != nil {
		return err
	}
	if err := r.compareMembers(ctx); err != nil {
		return err
	}
	if err := r.preflight(p); err != nil {
		return err
	}
	if err := r.compareAll(ctx); err != nil {
		return err
	}
	if err := r.adoptRejoined(ctx); err != nil {
		return err
	}
	if err := r.guardTakeOver(ctx, p); err != nil {
		return err
	}
	for _, m := range r.machines {
		p.Nodes = append(p.Nodes, plan.Node{
			Name: m.node.Name, Role: string(m.node.Role), Address: m.node.Address.String(), Changes: m.changes,
		})
	}
	return nil
}

// compare works out what m is to be, and how it differs.
func (r *Run) compare(ctx context.Context, m *machine) error {
	return r.compareWith(ctx, r.input(), m)
}

// compareOwn is compare on a machine of a cluster that is made by hand, whose workers' kubelets hold certificates of their own.
func (r *Run) compareOwn(ctx context.Context, m *machine) error {
	in := r.input()
	in.Joined = m.node.Role == spec.Worker
	return r.compareWith(ctx, in, m)
}

func (r *Run) compareWith(ctx context.Context, in *components.Input, m *machine) (err error) {
	if m.state, err = r.wanted(in, m.node); err != nil {
		return err
	}
	// One that was cut off is this cluster's already, and knows by itself whether it was another's before.
	m.state.TakeOver = m.taken || r.taking && m.facts.Cluster != ""
	m.changes, err = m.agent.Diff(ctx, m.state)
	return err
}

// look asks one machine for its facts and compares its clock, less half the time that the answer took.
func (r *Run) look(ctx context.Context, m *machine) (err error) {
	asked := time.Now()
	if m.facts, err = m.agent.Facts(ctx, preflight.Asks(r.Cluster, m.node)); err != nil {
		return err
	}
	// The machine reads its clock somewhere between question and answer.
	earliest, latest := asked, time.Now()
	switch {
	case m.facts.Time.Before(earliest):
		m.skew = m.facts.Time.Sub(earliest)
	case m.facts.Time.After(latest):
		m.skew = m.facts.Time.Sub(latest)
	}
	return nil
}

// preflight stops at what forbids an apply, and puts warnings into the plan. Equal machines have equal
// ones: each is told once, for all that it holds for.
func (r *Run) preflight(p *plan.Plan) error {
	var machines []preflight.Machine
	for _, m := range r.machines {
		machines = append(machines, preflight.Machine{Node: m.node, Facts: m.facts, Skew: m.skew, Needs: r.needs(m), Taken: m.taken})
	}
	var unfit []error
	var warnings []string
	about := map[string][]string{}
	judged := *r.Cluster
	if r.Here != "" || r.Cluster.File == draftName {
		judged.Etcd.AllowSlowDisk = true // by hand there is no file that could say so, and whoever is there sees the warning
	}
	for _, f := range preflight.Check(&judged, r.certs.ClusterID(), machines) {
		if !f.Warning {
			unfit = append(unfit, &UnfitError{f})
			continue
		}
		text := f.What + " (" + f.Remedy + ")"
		if about[text] == nil {
			warnings = append(warnings, text)
		}
		about[text] = append(about[text], f.Node)
	}
	for _, text := range warnings {
		p.Warnings = append(p.Warnings, strings.Join(about[text], ", ")+": "+text)
	}
	old, err := r.flagWarnings()
	p.Warnings = append(p.Warnings, old...)
	return errors.Join(append(unfit, err)...)
}

// needs is the size of what the machine's role is sent, in bytes, on a machine that has none of it.
func (r *Run) needs(m *machine) (bytes int64) {
	if m.facts.Cluster != "" {
		return 0
	}
	binaries, images := r.bundle.Select(string(m.node.Role))
	seen := map[string]bool{}
	add := func(b node.Blob) {
		if !seen[b.Digest] {
			seen[b.Digest] = true
			bytes += b.Size
		}
	}
	for _, b := range binaries {
		add(b.Blob)
	}
	for _, i := range images {
		for _, b := range i.Blobs {
			add(b)
		}
	}
	return bytes
}
