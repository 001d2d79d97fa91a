package bootstrap

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/slipway/slipway/internal/layout"
	"github.com/slipway/slipway/internal/node"
	"github.com/slipway/slipway/internal/plan"
	"github.com/slipway/slipway/internal/spec"
)

// adding adds stages to p's course, with how long they should take.
func (r *Run) adding(p *plan.Plan) (add func(name, does string, nodes ...string), err error) {
	kept, err := r.dir.Timings()
	if err != nil {
		return nil, err
	}
	return func(name, does string, nodes ...string) {
		p.Course = append(p.Course, plan.Stage{Name: name, Nodes: nodes, Does: does, Estimate: estimate(kept, name, nodes).Seconds()})
	}, nil
}

// course tells in p what rollOut does with a cluster that serves, in its order, and how long each stage should take.
func (r *Run) course(p *plan.Plan) error {
	add, err := r.adding(p)
	if err != nil {
		return err
	}
	changed := r.changed(r.machines)
	var images, free []string
	var rest, workers []*machine
	for _, m := range changed {
		switch {
		case m.node.Role != spec.Worker:
			rest = append(rest, m)
		case felt(m.changes):
			workers = append(workers, m)
		default:
			free = append(free, m.node.Name)
		}
		if slices.ContainsFunc(m.changes, isImage) {
			images = append(images, m.node.Name)
		}
	}
	does := "changed, Ready again"
	if r.rollout != nil {
		p.From, does = r.Cluster.Kubernetes, "drained, changed, Ready again, uncordoned"
		if r.rollout.From != p.From {
			p.From = r.rollout.From
		} else {
			p.From = r.rollout.To
		}
	}
	if r.rollout != nil && r.rollout.Snapshot == "" || r.membership.alters() {
		add("snapshot", "taken first: etcd's data, to the state directory")
	}
	members := func(kind stepKind) {
		for _, s := range r.membership.steps(r.controlPlanes()) {
			if s.kind == kind {
				add("members", s.String(), s.name)
			}
		}
	}
	members(drops)
	if len(images) > 0 {
		add("images", "sent and unpacked ahead of time, which disturbs nothing", images...)
	}
	addWorkers := func() {
		if len(free) > 0 {
			add("machines", "changed, which disturbs nothing", free...)
		}
		for batch := range r.batches(workers) {
			add("workers", does, namesOf(batch)...)
		}
	}
	if r.back() {
		addWorkers()
	}
	for _, m := range r.holderLast(rest) {
		if !r.membership.enters(m) {
			add(rollStage(m), disturbs(m.changes), m.node.Name)
		}
	}
	members(enters)
	if len(p.Objects) > 0 && r.rollout != nil {
		add("addons", fmt.Sprintf("%d of the cluster's objects", len(p.Objects)))
	}
	if !r.back() {
		addWorkers()
	}
	members(leaves)
	programs(p)
	return nil
}

func namesOf(machines []*machine) (out []string) {
	for _, m := range machines {
		out = append(out, m.node.Name)
	}
	return out
}

// disturbs is what of changes is felt: static pods and units that restart.
func disturbs(changes []node.Change) string {
	var what []string
	for _, c := range changes {
		kind, name, _ := strings.Cut(c.ID, " ")
		switch {
		case kind == "file" && path.Dir(name) == layout.Manifests:
			what = append(what, strings.TrimSuffix(path.Base(name), ".yaml"))
		case kind == "unit" && !isTimer(c) && (c.Action == node.Restart || c.Action == node.Start):
			what = append(what, strings.TrimSuffix(name, ".service"))
		}
	}
	if len(what) == 0 && node.IsUnfinished(changes) {
		return "changed already by a run that was cut off, looked at again"
	}
	if len(what) == 0 {
		return "nothing restarts"
	}
	return "restarts " + strings.Join(what, ", ")
}
