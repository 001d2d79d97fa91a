package bootstrap

import (
	"context"
	"fmt"
	"slices"

	"github.com/slipway/slipway/internal/bundle"
	"github.com/slipway/slipway/internal/plan"
	"github.com/slipway/slipway/internal/spec"
)

// Upgrades are the versions that a cluster can go to.
type Upgrades struct {
	From     string    `json:"from"`
	Versions []Upgrade `json:"versions"`
	UnderWay string    `json:"underWay,omitempty"` // the version that it is on its way to, and then none other
}

// Upgrade is one version newer than the cluster's.
type Upgrade struct {
	Version string `json:"version"`
	After   string `json:"after,omitempty"`  // the version to go to first
	Bundle  string `json:"bundle,omitempty"` // path, where it is found
}

// Possible reports whether the cluster can go anywhere from here, in one step.
func (u Upgrades) Possible() bool {
	return u.UnderWay != "" || slices.ContainsFunc(u.Versions, func(v Upgrade) bool { return v.After == "" })
}

// Upgrades tells which versions this cluster can go to. It changes nothing.
func (r *Run) Upgrades(ctx context.Context) (u Upgrades, err error) {
	if _, err := r.meet(ctx); err != nil {
		return u, err
	}
	j, err := r.journal()
	if err != nil {
		return u, err
	}
	u.From = r.Cluster.Kubernetes
	switch {
	case r.change != nil:
		u.From, u.UnderWay = r.change.From, r.change.To
	case j.under() && !r.opened:
		u.From, u.UnderWay = j.From, j.To
	}
	for _, v := range spec.SupportedKubernetes() {
		if !older(u.From, v) {
			continue
		}
		next := Upgrade{Version: v}
		if hop(u.From, v) != "" {
			for _, w := range u.Versions {
				next.After = w.Version // the newest before it
			}
		}
		if path, err := bundle.Find(".", r.binary.Path, v); err == nil {
			next.Bundle = path
		}
		u.Versions = append(u.Versions, next)
	}
	return u, nil
}

// UpgradePlan finds out what a change to a version, or what is left of the one that stands half way, would do here, and what is to follow
// elsewhere. It refuses what an upgrade would, and changes nothing.
func (r *Run) UpgradePlan(ctx context.Context, to string) (p *plan.Plan, err error) {
	if _, err := r.meet(ctx); err != nil {
		return nil, err
	}
	if err := r.aim(to); err != nil {
		return nil, err
	}
	p = &plan.Plan{Format: plan.FormatVersion, Cluster: r.Cluster.Name, ID: r.certs.ClusterID(), Kubernetes: r.Cluster.Kubernetes, Spec: r.Cluster.Digest()}
	m := r.machines[0]
	p.Nodes = []plan.Node{{Name: m.node.Name, Role: string(m.node.Role), Address: m.node.Address.String()}}
	if r.rollout == nil {
		return p, nil
	}
	p.From = r.rollout.From
	if err := r.openBundle(); err != nil {
		return nil, err
	}
	if p.Warnings, err = r.examine(ctx); err != nil {
		return nil, err
	}
	p.Nodes[0].Changes = m.changes
	if r.rollout.Begun.IsZero() {
		if err := r.judge(ctx, append(r.guards(), r.guardLevel)...); err != nil {
			return nil, err
		}
	}
	return p, r.courseByHand(ctx, p)
}

// courseByHand tells in p what happens here, and what is to be run on which machine after it.
func (r *Run) courseByHand(ctx context.Context, p *plan.Plan) error {
	client, err := r.anyAPI(ctx)
	if err != nil {
		return err
	}
	left, err := r.behind(ctx, client, r.rollout.To)
	if err != nil {
		return err
	}
	objects, err := r.objectsOfAll(ctx, client)
	if err != nil {
		return err
	}
	changes, err := client.Diff(ctx, objects)
	if err != nil {
		return err
	}
	tellObjects(p, changes)
	add, err := r.adding(p)
	if err != nil {
		return err
	}
	m := r.machines[0]
	verb := "here: slipway upgrade node"
	if r.change == nil || r.change.By == r.Here {
		verb = "here: slipway upgrade apply " + r.rollout.To
	}
	if r.rollout.Snapshot == "" && r.change == nil {
		add("snapshot", verb+": etcd's data, to "+r.dir.Path()+"/snapshots", r.Here)
	}
	if slices.ContainsFunc(m.changes, isImage) {
		add("images", "taken in ahead of time, which disturbs nothing", r.Here)
	}
	if len(m.changes) > 0 {
		add("control-planes", verb+": "+disturbs(m.changes), r.Here)
	}
	for _, name := range left.ControlPlanes {
		if name != r.Here {
			add("control-planes", "there: slipway upgrade node", name)
		}
	}
	for _, name := range left.Workers {
		add("workers", "there: slipway upgrade node, which drains it, changes it and lets pods come back", name)
	}
	text := fmt.Sprintf("%d of the cluster's objects", len(changes))
	if len(left.Workers) > 0 || len(left.ControlPlanes) == 0 {
		text = "on any control plane: slipway upgrade finish: " + text
	}
	add("addons", text)
	programs(p)
	return nil
}
