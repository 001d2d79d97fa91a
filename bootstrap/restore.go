package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/slipway/slipway/components"
	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/plan"
	"github.com/slipway/slipway/internal/spec"
	"github.com/slipway/slipway/internal/statedir"
	"github.com/slipway/slipway/pki"
)

// RestoreFrom says what a restore brings back, and what is known of machines that do not answer.
type RestoreFrom struct {
	Name       string   // how people name it, where that is not its path; it is told and remembered
	Path       string   // an archive, or a snapshot of etcd
	Identities []string // files with identities that open the archive's keys; the state directory's own do as well
	Gone       []string // control planes there were whose machines are dead for good
	Anew       bool     // begin anew, although the restore of something else stands half way
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

// leastBump is by how much a restored cluster's revision is ahead of the snapshot's, so that it is later than any that a client can
// have seen. A busy cluster makes some hundred revisions a second.
const leastBump = 1_000_000_000

// restoring is a restore at work.
type restoring struct {
	from    RestoreFrom
	source  *source
	journal restoration
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
	if err := r.count(live); err != nil {
		return nil, err
	}
	r.members = r.restoredMembers()
	if err := r.eachStage("diff", r.machines, func(m *machine, _ event.Sink) error { return r.compare(ctx, m) }); err != nil {
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

// resume goes on with a restore that stands half way, or begins one.
func (r *Run) resume() error {
	j, s := &r.restore.journal, r.restore.source
	if _, err := r.dir.Get(restoreFile, j); err != nil {
		return err
	}
	members := (&components.Input{Cluster: r.Cluster}).Membership(spec.Node{}).Initial
	if j.under() && !r.restore.from.Anew {
		var other string
		switch {
		case j.SHA256 != s.sum:
			other = "of other data than that of " + s.path
		case j.Kubernetes != r.Cluster.Kubernetes:
			other = "to Kubernetes " + j.Kubernetes + ", and the file says " + r.Cluster.Kubernetes
		case j.Members != members:
			other = "on " + j.Members + ", and the control planes in the file are others"
		default:
			return nil
		}
		return &RestoreError{j.halfWay() + ", " + other, j.remedy(r.Cluster.File) + ", with the file as it was; to begin anew with what is given now, add --anew"}
	}
	now := time.Now().UTC()
	*j = restoration{ID: now.Format("20060102T150405Z"), SHA256: s.sum, File: s.path, Taken: s.taken, Kubernetes: r.Cluster.Kubernetes,
		Members: members, Former: j.pending(), Base: j.Base}
	return nil
}

// pending are the former machines of a restore that was not finished: whoever begins anew has them to stop, too.
func (j *restoration) pending() []was {
	if !j.under() {
		return nil
	}
	return j.Former
}

// count works out the revision to begin with: later than what any client can have seen, of the cluster that answers now, of one
// that was restored before, or of one that went on unseen.
func (r *Run) count(live *Live) error {
	j, s := &r.restore.journal, r.restore.source
	if j.Bump > 0 {
		return nil
	}
	reached := max(s.revision, j.Base)
	if live != nil {
		reached = max(reached, live.Revision)
	}
	j.Base = reached + leastBump
	j.Bump = j.Base - s.revision
	return nil
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

// restoreCerts takes the PKI from the state directory or, where that is empty, from the archive; a bare snapshot has none, so that
// then the machines must. What is missing for new machines is issued by the same authorities. Nothing is kept yet.
func (r *Run) restoreCerts(ctx context.Context) (err error) {
	s := r.restore.source
	r.certs, err = r.stored()
	switch {
	case err == nil:
		err = r.agreeWithArchive()
	case !errors.Is(err, statedir.ErrEmpty):
	case s.name == "":
		if r.certs, err = r.recoverCerts(ctx); err == nil && r.certs == nil {
			err = &RestoreError{r.dir.Path() + " holds no keys, no machine does, and neither does a bare snapshot", "restore an archive, or bring the state directory back"}
		}
	case s.secrets == nil:
		err = &RestoreError{"the state directory is empty, and the keys in " + s.path + " are sealed", "open them with --identity FILE"}
	default:
		r.certs, err = pki.Rebuild(map[string]map[string][]byte{s.node: s.secrets})
	}
	if err != nil {
		return err
	}
	if err := r.guardForeign(); err != nil {
		return err
	}
	_, err = r.certs.Ensure(r.Cluster, time.Now())
	return err
}

// agreeWithArchive compares the keys that cannot be issued again, where both are known.
func (r *Run) agreeWithArchive() error {
	s := r.restore.source
	if s.secrets == nil || s.id != r.certs.ClusterID() {
		return nil
	}
	other, err := pki.Rebuild(map[string]map[string][]byte{s.node: s.secrets})
	if err != nil {
		return err
	}
	if string(other.EncryptionKey) != string(r.certs.EncryptionKey) || string(other.ServiceAccount.Key) != string(r.certs.ServiceAccount.Key) {
		return &RestoreError{fmt.Sprintf("%s and %s hold different keys of one cluster: Secrets and tokens of the one could not be read with the other", s.path, r.dir.Path()),
			"move the state directory aside, to have it rebuilt from the archive"}
	}
	return nil
}
