package bootstrap

import (
	"context"
	"errors"
	"fmt"

	"github.com/slipway/slipway/components"
	"github.com/slipway/slipway/internal/check"
	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/layout"
)

// advance is by how much the revision is raised: more than a member that voted can have been behind the others.
const advance = 10000

// Recover makes a cluster of the one member that is left, as PlanRecovery found out: the other control planes that answer are
// stopped; the survivor's data is copied aside; it is started once as the only member of its cluster; and then its API server again.
// The cluster keeps its identity, and its log says that the others were removed, so that one of those which starts again is told so
// and stops by itself. It may be cut off at any moment, and finishes when it is run again.
func (r *Run) Recover(ctx context.Context, p *Recovery) error {
	m := r.planeOf(p.Survivor)
	if err := r.keepManifests(ctx, m, p); err != nil {
		return err
	}
	var others []*machine
	for _, o := range r.planes() {
		if o != m && o.host != nil && o.facts.Cluster == r.certs.ClusterID() {
			others = append(others, o)
		}
	}
	err := r.eachStage("fence", others, func(o *machine, sink event.Sink) error { return r.setDataAside(ctx, o, sink) })
	if err != nil {
		return err
	}
	only := []*machine{m}
	err = r.eachStage("copy", only, func(m *machine, sink event.Sink) error {
		if err := r.stopPods(ctx, m, sink, apiServer, "etcd"); err != nil {
			return err
		}
		return r.copyData(ctx, m, p, sink)
	})
	if err != nil {
		return err
	}
	if err := r.eachStage("force", only, func(m *machine, sink event.Sink) error { return r.forceMember(ctx, m, p, sink) }); err != nil {
		return err
	}
	if err := r.eachStage("start", only, func(m *machine, sink event.Sink) error { return r.startAlone(ctx, m, p, sink) }); err != nil {
		return err
	}
	return r.finishRecovery(p)
}

// keepManifests writes down the recovery with the survivor's manifests, before they are touched.
func (r *Run) keepManifests(ctx context.Context, m *machine, p *Recovery) error {
	if p.GoesOn {
		return nil
	}
	files, err := fetch(ctx, m, []string{etcdManifest, apiManifest})
	if err != nil {
		return &NodeError{m.node.Name, err}
	}
	if p.Etcd, p.APIServer = files[etcdManifest], files[apiManifest]; len(p.Etcd) == 0 || len(p.APIServer) == 0 {
		return unfit(m.node.Name, "it lacks "+etcdManifest+" or "+apiManifest, "it was no whole control plane; --from names another")
	}
	return r.dir.Put(recoveryFile, p)
}

// copyData copies the survivor's data aside, whole or not at all, and once.
func (r *Run) copyData(ctx context.Context, m *machine, p *Recovery, sink event.Sink) error {
	to := layout.Removed + "/" + p.Begun.Format("20060102T150405Z") + "/etcd-before-recover"
	const script = `set -e; test ! -d "$2" || exit 0
rm -rf "$2.part"; mkdir -p "$2.part"; chmod 0700 "$2.part"; cp -a "$1" "$2.part/"; sync; mv -T "$2.part" "$2"; sync`
	if _, err := onMachine(ctx, m, script, layout.EtcdMember, to); err != nil {
		return fmt.Errorf("copy etcd's data aside, which nothing is done without: %w", err)
	}
	sink.Emit(event.Event{Kind: event.Warning, Subject: "etcd data", Message: "is copied to " + to + ": delete it when the cluster is well"})
	return nil
}

// forceMember starts the survivor once as the only member, and raises the revision: it may lack the last that clients have seen.
func (r *Run) forceMember(ctx context.Context, m *machine, p *Recovery, sink event.Sink) error {
	p.Forced = true // from here on the others' cluster is not the survivor's
	if err := r.dir.Put(recoveryFile, p); err != nil {
		return err
	}
	s, err := components.ForceNewCluster(r.certs.ClusterID(), m.node.Name, p.Etcd)
	if err != nil {
		return err
	}
	if err := m.agent.Converge(ctx, s, sink); err != nil {
		return err
	}
	if err := r.waitAlone(ctx, m, sink); err != nil {
		return err
	}
	client, err := r.member(m)
	if err != nil {
		return err
	}
	revision, err := client.Advance(ctx, advance)
	if err == nil {
		sink.Emit(event.Event{Kind: event.Changed, Subject: "etcd member", Message: fmt.Sprintf("is the only one, at revision %d", revision)})
	}
	return errors.Join(err, client.Close())
}

// startAlone starts the survivor as it ran before, and then its API server.
func (r *Run) startAlone(ctx context.Context, m *machine, p *Recovery, sink event.Sink) error {
	if err := r.stopPods(ctx, m, sink, "etcd"); err != nil { // or what is forced yet would answer
		return err
	}
	if err := r.putManifest(ctx, m, "etcd", p.Etcd, sink); err != nil {
		return err
	}
	if err := r.waitAlone(ctx, m, sink); err != nil {
		return err
	}
	if err := r.putManifest(ctx, m, apiServer, p.APIServer, sink); err != nil {
		return err
	}
	return r.waitWhole(ctx, m, sink)
}

// putManifest gives the survivor a static pod's manifest again, as it was.
func (r *Run) putManifest(ctx context.Context, m *machine, pod string, manifest []byte, sink event.Sink) error {
	return m.agent.Converge(ctx, components.Manifest(r.certs.ClusterID(), m.node.Name, pod, manifest), sink)
}

// waitAlone waits until m's member votes and is the only one.
func (r *Run) waitAlone(ctx context.Context, m *machine, sink event.Sink) error {
	ctx, cancel := r.within(ctx)
	defer cancel()
	return check.Wait(ctx, sink, check.Condition{Name: "its etcd member is the only one, and votes", Node: m.node.Name, Test: func(ctx context.Context) error {
		client, err := r.member(m)
		if err != nil {
			return err
		}
		err = client.Voting(ctx)
		if err == nil {
			members, listErr := client.Members(ctx)
			if err = listErr; err == nil && len(members) != 1 {
				err = fmt.Errorf("there are %d members", len(members))
			}
		}
		return errors.Join(err, client.Close())
	}})
}

// finishRecovery forgets how the others entered, who enter anew, and that there was a recovery.
func (r *Run) finishRecovery(p *Recovery) error {
	if _, err := r.dir.Get(membersFile, &r.members); err != nil {
		return err
	}
	kept, known := r.members[p.Survivor]
	r.members = map[string]components.Membership{}
	if known {
		r.members[p.Survivor] = kept
	}
	return errors.Join(r.rememberMembers(), r.dir.Drop(recoveryFile))
}
