package bootstrap

import (
	"fmt"
	"path"
	"strings"

	"github.com/slipway/slipway/internal/node"
	"github.com/slipway/slipway/internal/plan"
	"github.com/slipway/slipway/internal/spec"
)

// course tells in p what a change of version does, in the order in which rollOut does it.
func (r *Run) course(p *plan.Plan) {
	if r.rollout == nil {
		return
	}
	p.From = r.rollout.From
	add := func(name, does string, nodes ...string) {
		p.Course = append(p.Course, plan.Stage{Name: name, Nodes: nodes, Does: does})
	}
	if r.rollout.Snapshot == "" {
		add("snapshot", "etcd's data, to the state directory")
	}
	changed := r.changed(r.machines)
	var all, workers []string
	for _, m := range changed {
		all = append(all, m.node.Name)
	}
	if len(all) > 0 {
		add("images", "sent and unpacked ahead of time, which disturbs nothing", all...)
	}
	for _, m := range changed {
		if m.node.Role == spec.Worker {
			workers = append(workers, m.node.Name)
			continue
		}
		add("control-plane", disturbs(m.changes), m.node.Name)
	}
	if len(p.Objects) > 0 {
		add("addons", fmt.Sprintf("%d of the cluster's objects", len(p.Objects)))
	}
	for size := r.Cluster.Upgrade.Batch(len(r.Cluster.Workers())); len(workers) > 0; {
		n := min(size, len(workers))
		add("workers", "drained, changed, Ready again, uncordoned", workers[:n]...)
		workers = workers[n:]
	}
}

// disturbs is what of changes is felt: static pods and units that restart.
func disturbs(changes []node.Change) string {
	var what []string
	for _, c := range changes {
		kind, name, _ := strings.Cut(c.ID, " ")
		switch {
		case kind == "file" && path.Dir(name) == manifestDir:
			what = append(what, strings.TrimSuffix(path.Base(name), ".yaml"))
		case kind == "unit" && (c.Action == node.Restart || c.Action == node.Start):
			what = append(what, strings.TrimSuffix(name, ".service"))
		}
	}
	if len(what) == 0 {
		return "nothing restarts"
	}
	return "restarts " + strings.Join(what, ", ")
}
