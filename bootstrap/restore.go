package bootstrap

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"github.com/slipway/slipway/components"
	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/plan"
	"github.com/slipway/slipway/internal/spec"
)

// RestoreFrom says what a restore brings back, and what is known of machines that do not answer.
type RestoreFrom struct {
	Name       string      // how people name it, where that is not its path; it is told and remembered
	Path       string      // an archive, or a snapshot of etcd
	Identities []string    // files with identities that open the archive's keys; the state directory's own do as well
	Gone       []string    // control planes there were whose machines are dead for good
	Others     []spec.Node // control planes there were that this machine knows of, where it is one of the cluster's own
	Anew       bool        // begin anew, although the restore of something else stands half way
}

// RestorePlan is what a restore would do. Nothing in it is secret.
type RestorePlan struct {
	Cluster  string    `json:"cluster"`
	ID       string    `json:"id"`
	File     string    `json:"file"`
	Taken    time.Time `json:"taken"`
	Version  string    `json:"kubernetes"`
	Revision int64     `json:"revision"`       // of what is restored
	Base     int64     `json:"base"`           // that the cluster begins with
	Live     *Live     `json:"live,omitempty"` // of the cluster that answers now
	Resumes  bool      `json:"resumes,omitempty"`
	Data     []string  `json:"data"`              // control planes that get the data
	Changed  []string  `json:"changed,omitempty"` // machines that change otherwise
	Stopped  []string  `json:"stopped,omitempty"` // control planes there were: they are stopped, and cleaned at the end
	Gone     []string  `json:"gone,omitempty"`    // control planes there were that do not answer
	Warnings []string  `json:"warnings,omitempty"`
}

// Live is how much a cluster holds that answers now.
type Live struct {
	Revision int64 `json:"revision"`
	Keys     int64 `json:"keys"`
}

// RestoredSince reports whether the cluster that answers was restored after the archive was taken: then revisions do not count writes.
func (p *RestorePlan) RestoredSince() bool {
	return p.Live != nil && p.Live.Revision-p.Revision >= leastBump
}

// restoring is a restore at work.
type restoring struct {
	from    RestoreFrom
	source  *source
	journal restoration
	over    bool // it takes the place of one that stands half way
	former  []*former
}

func (r *restoring) close() {
	if r.source != nil {
		_ = r.source.close() // read only
	}
	for _, f := range r.former {
		if f.host != nil {
			_ = f.host.Close() // nothing was written that could be lost
		}
	}
}

// PlanRestore finds out what a restore would do, and refuses whatever would not come through. Nothing is stopped and nothing is
// changed, but that machines get the executable that looks around there.
func (r *Run) PlanRestore(ctx context.Context, from RestoreFrom) (*RestorePlan, error) {
	path, err := filepath.Abs(from.Path)
	if err != nil {
		return nil, err
	}
	r.restore = &restoring{from: from}
	if r.restore.source, err = openSource(path, from.Identities); err != nil {
		return nil, err
	}
	if from.Name != "" {
		r.restore.source.path = from.Name
	}
	if err := errors.Join(r.guardRestore(), r.resume()); err != nil {
		return nil, err
	}
	if err := r.openBundle(); err != nil {
		return nil, err
	}
	if err := r.guardVersions(); err != nil {
		return nil, err
	}
	if err := r.connect(ctx); err != nil {
		return nil, err
	}
	if err := r.restoreCerts(ctx); err != nil {
		return nil, err
	}
	return r.planRestore(ctx)
}

// planRestore looks at the machines.
func (r *Run) planRestore(ctx context.Context) (*RestorePlan, error) {
	s, j := r.restore.source, &r.restore.journal
	if err := r.eachStage("facts", r.machines, func(m *machine, _ event.Sink) error { return r.look(ctx, m) }); err != nil {
		return nil, err
	}
	if err := r.guardMachines(); err != nil {
		return nil, err
	}
	found := &plan.Plan{}
	if err := errors.Join(r.preflight(found), r.guardRoom()); err != nil {
		return nil, err
	}
	if err := r.findFormer(ctx); err != nil {
		return nil, err
	}
	live, err := r.live(ctx)
	if err != nil {
		return nil, err
	}
	if err := r.count(live, time.Now()); err != nil {
		return nil, err
	}
	r.members = r.restoredMembers()
	if err := r.compareAll(ctx); err != nil {
		return nil, err
	}
	p := &RestorePlan{
		Cluster: r.Cluster.Name, ID: r.certs.ClusterID(), File: s.path, Taken: s.taken, Version: s.kubernetes, Revision: s.revision,
		Base: j.Base, Live: live, Resumes: !j.Begun.IsZero(), Warnings: found.Warnings,
	}
	for _, m := range r.machines {
		if m.node.Role == spec.ControlPlane {
			p.Data = append(p.Data, m.node.Name)
		} else if len(m.changes) > 0 {
			p.Changed = append(p.Changed, m.node.Name)
		}
	}
	for _, f := range r.restore.former {
		if f.host != nil {
			p.Stopped = append(p.Stopped, f.String())
		} else {
			p.Gone = append(p.Gone, f.String())
		}
	}
	return p, r.findGoneWorkers()
}

// restoredMembers is the membership that the restore makes. All of it is in every member's data already; it stands in their manifests
// for a member that loses its own.
func (r *Run) restoredMembers() map[string]components.Membership {
	out, in := map[string]components.Membership{}, components.Input{Cluster: r.Cluster}
	for _, m := range r.controlPlanes() {
		membership := in.Membership(m.node)
		membership.Token = r.restore.journal.token(r.certs.ClusterID())
		out[m.node.Name] = membership
	}
	return out
}
