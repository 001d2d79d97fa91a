package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/slipway/slipway/components"
	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/layout"
	"github.com/slipway/slipway/internal/node"
	"github.com/slipway/slipway/internal/spec"
)

// haltGrace is how long a kubelet has to end static pods: API servers finish what they were asked, for at most half a minute.
const haltGrace = 45 * time.Second

// What is stopped, in this order, on all machines before the next: nothing must serve from one member's old data while another has
// the new. Balancers go on, but on machines that are not part of the cluster any more.
var (
	clientPods = []string{"kube-apiserver", "kube-controller-manager", "kube-scheduler"}
	etcdPod    = []string{"etcd"}
	balancing  = []string{"keepalived", "haproxy"}
)

// Restore carries out what PlanRestore of this Run has found. It may be interrupted at any moment: planning and restoring again with
// the same archive finishes. While it stands half way, Plan refuses.
func (r *Run) Restore(ctx context.Context) (err error) {
	defer func() { err = errors.Join(err, r.keepTimings()) }()
	j := &r.restore.journal
	if err := errors.Join(r.keepHere(false), r.dir.Save(r.certs)); err != nil {
		return err
	}
	if j.Seeded {
		// Control planes there were that have come back since may be the old cluster together.
		if err := r.haltAll(ctx, nil); err != nil {
			return err
		}
	} else if err := r.exchange(ctx); err != nil {
		return err
	}
	if err := r.startRestored(ctx); err != nil {
		return err
	}
	if err := r.settleRestored(ctx); err != nil {
		return err
	}
	if err := r.retireFormer(ctx); err != nil {
		return err
	}
	return r.finishRestore(ctx)
}

// exchange prepares machines while all still runs, and then gives them the data.
func (r *Run) exchange(ctx context.Context) error {
	if err := r.sendAhead(ctx); err != nil {
		return err
	}
	return r.exchangeData(ctx)
}

// sendAhead brings machines what they will need while all still runs, and lets control planes take it in.
func (r *Run) sendAhead(ctx context.Context) error {
	changed := r.changed(r.machines)
	if err := r.send(ctx, changed); err != nil {
		return err
	}
	ready := slices.DeleteFunc(slices.Clone(changed), func(m *machine) bool { return m.node.Role == spec.Worker && m.facts.Cluster == "" })
	return r.takeIn(ctx, ready, ahead)
}

// ahead is the part of m's State that disturbs nothing: on a machine at work its images and etcd's own tools, which restore the data;
// on another all but its kubelet and what that would start.
func ahead(m *machine) node.State {
	s := part(m.state)
	fresh := slices.ContainsFunc(m.changes, func(c node.Change) bool { return c.ID == kubeletUnit && c.Action != node.Restart })
	s.Resources = slices.DeleteFunc(slices.Clone(s.Resources), func(res node.Resource) bool {
		if fresh {
			return res.ID() == kubeletUnit || res.File != nil && path.Dir(res.File.Path) == layout.Manifests
		}
		return res.Image == nil && (res.Binary == nil || !strings.HasPrefix(path.Base(res.Binary.Path), "etcd"))
	})
	return s
}

// exchangeData stops the cluster everywhere and gives every control plane the data. From the first step on a journal knows of it.
func (r *Run) exchangeData(ctx context.Context) error {
	j := &r.restore.journal
	if j.Begun.IsZero() {
		if err := r.keepBeforeRestore(ctx); err != nil {
			return err
		}
		j.Begun = time.Now().UTC().Truncate(time.Second)
	}
	if err := errors.Join(r.dir.Put(restoreFile, j), r.rememberMembers()); err != nil {
		return err
	}
	if err := r.keepHere(true); err != nil {
		return err
	}
	if err := r.haltAll(ctx, r.controlPlanes()); err != nil {
		return err
	}
	if err := r.eachStage("data", r.controlPlanes(), func(m *machine, sink event.Sink) error { return r.seed(ctx, m, sink) }); err != nil {
		return err
	}
	j.Seeded = true
	return r.dir.Put(restoreFile, j)
}

// keepBeforeRestore keeps what the cluster holds that still serves. Where that fails the restore goes on: it may be what is wrong with the
// cluster, and the members' own data is moved aside whole.
func (r *Run) keepBeforeRestore(ctx context.Context) error {
	_, err := r.snapshotFirst(ctx, beforeRestore, r.restore.formerMachines()...)
	if failed := new(SnapshotError); errors.As(err, &failed) {
		r.Sink.Emit(event.Event{Kind: event.Warning, Message: fmt.Sprintf("no snapshot of the cluster that serves now: %v; its members' data is moved aside", failed.err)})
		return nil
	}
	return err
}

// haltAll stops these control planes and all that there were: what writes to etcd everywhere, and then etcd.
func (r *Run) haltAll(ctx context.Context, planes []*machine) error {
	if err := r.halt(ctx, "stop", planes, clientPods, balancing); err != nil {
		return err
	}
	return r.halt(ctx, "stop-etcd", planes, etcdPod, nil)
}

// halt stops static pods on these control planes and those that there were; on the latter also more, and the kubelet, which would go on
// as a node that another machine may be by now.
func (r *Run) halt(ctx context.Context, stage string, planes []*machine, pods, more []string) error {
	machines, was := slices.Clone(planes), map[*machine]bool{}
	for _, f := range r.restore.former {
		if f.host != nil {
			machines, was[f.machine] = append(machines, f.machine), true
		}
	}
	return r.eachStage(stage, machines, func(m *machine, sink event.Sink) error {
		h := node.Halt{Pods: pods, Aside: "restore-" + r.restore.journal.ID, Grace: haltGrace}
		if was[m] {
			h.Pods, h.Kubelet = append(slices.Clone(pods), more...), true
		}
		return m.agent.Halt(ctx, h, sink)
	})
}

// seed gives m's etcd the data, unless it has it from this very restore.
func (r *Run) seed(ctx context.Context, m *machine, sink event.Sink) error {
	j, s := &r.restore.journal, r.restore.source
	has, err := m.agent.Seeded(ctx)
	if err != nil || has.ID == j.ID {
		return err
	}
	membership := r.members[m.node.Name]
	return m.agent.Seed(ctx, node.Seed{
		ID: j.ID, SHA256: s.sum, Member: m.node.Name, Peer: components.PeerURL(m.node), Initial: membership.Initial, Token: membership.Token, Revision: j.Bump,
	}, s.write, sink)
}

// startRestored starts the cluster by converging the machines, as if it was new: etcd and API servers, the objects, then workers.
func (r *Run) startRestored(ctx context.Context) error {
	for _, m := range r.machines {
		m.kube = nil // its connections are to a server that is no more
	}
	if err := r.compareAll(ctx); err != nil {
		return err
	}
	return r.bringUpAnew(ctx, r.changed(r.machines))
}

// finishRestore remembers what the cluster is from now on.
func (r *Run) finishRestore(ctx context.Context) error {
	j := &r.restore.journal
	if err := r.remember(); err != nil {
		return err
	}
	var change rollout
	found, err := r.dir.Get(rolloutFile, &change)
	if err != nil {
		return err
	}
	if found && (change.To != r.Cluster.Kubernetes || r.Here != "") { // which is as if it never had been
		if err := r.dir.Drop(rolloutFile); err != nil {
			return err
		}
	}
	if err := r.dir.Drop(recoveryFile); err != nil { // what was being recovered is replaced
		return err
	}
	if err := r.openAgain(ctx); err != nil {
		return err
	}
	j.Finished = time.Now().UTC().Truncate(time.Second)
	return r.dir.Put(restoreFile, j)
}
