package bootstrap

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/slipway/slipway/components"
	"github.com/slipway/slipway/internal/check"
	"github.com/slipway/slipway/internal/etcd"
	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/host"
	"github.com/slipway/slipway/internal/layout"
	"github.com/slipway/slipway/internal/spec"
)

// onMachine runs a few words of shell on m, as root, with arguments, and returns what they print.
func onMachine(ctx context.Context, m *machine, script string, args ...string) (string, error) {
	var out bytes.Buffer
	command := append([]string{"sh", "-c", script, "slipway"}, args...)
	err := m.host.Run(ctx, host.Command{Args: command, Stdout: &out, Root: true})
	return strings.TrimSpace(out.String()), err
}

// enterAll lets the control planes that have no vote enter etcd, one at a time. The balancers of the others know them by now.
func (r *Run) enterAll(ctx context.Context) error {
	for _, m := range r.controlPlanes() {
		if !r.membership.enters(m) {
			continue
		}
		err := r.eachStage("members", []*machine{m}, func(m *machine, sink event.Sink) error { return r.enterMember(ctx, m, sink) })
		if err != nil {
			return err
		}
		delete(r.membership.entering, m.node.Name)
	}
	return nil
}

// enterMember makes m a control plane of the cluster that serves: its etcd member has a place without a vote first, then the machine
// runs, and the member votes as soon as it has caught up. Wherever it is cut off, the others' quorum is what it was.
func (r *Run) enterMember(ctx context.Context, m *machine, sink event.Sink) error {
	if r.membership.stale[m.node.Name] {
		if err := r.setDataAside(ctx, m, sink); err != nil {
			return err
		}
	}
	id, err := r.admit(ctx, m)
	if err != nil {
		return err
	}
	if m.state, err = r.wanted(r.input(), m.node); err != nil {
		return err
	}
	sink.Emit(event.Event{Kind: event.Changed, Subject: "etcd member", Message: "is a learner, which has no vote"})
	err = startAndVote(ctx, m.node.Name,
		func(ctx context.Context) error { return m.agent.Converge(ctx, m.state, sink) },
		func(ctx context.Context) error { return r.promote(ctx, m, id, sink, r.speaker) })
	if err != nil {
		return err
	}
	sink.Emit(event.Event{Kind: event.Changed, Subject: "etcd member", Message: "votes"})
	waiting, cancel := r.within(ctx)
	defer cancel()
	return check.Wait(waiting, sink, append(r.whole(m), check.Condition{
		Name: "the node is Ready", Node: m.node.Name, Test: func(ctx context.Context) error { return r.nodesReadyOf(ctx, m) },
	})...)
}

// admit gives m's member a place without a vote, or finds the one that it has, and keeps how it enters.
func (r *Run) admit(ctx context.Context, m *machine) (id uint64, err error) {
	client, _, err := r.speaker(ctx)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, client.Close()) }()
	self, members, err := client.AddLearner(ctx, components.PeerURL(m.node))
	if err != nil {
		return 0, err
	}
	if data, err := hasData(ctx, m); err != nil {
		return 0, err
	} else if !data { // one that has run must not find it changed
		r.members[m.node.Name] = entry(m.node, members)
	}
	return self.ID, r.rememberMembers()
}

// entry is how n's member enters beside members. etcd compares their number and URLs with what it knows; of one that has not
// started yet it knows no name.
func entry(n spec.Node, members []etcd.Member) components.Membership {
	others := map[string]string{}
	for _, other := range members {
		if other.Peer != components.PeerURL(n) {
			others[cmp.Or(other.Name, fmt.Sprintf("member-%x", other.ID))] = other.Peer
		}
	}
	return components.Membership{Initial: initialCluster(n, others), Existing: true}
}

// setDataAside moves away what m's member had before it was removed: etcd refuses to start from it. Nothing of it is deleted.
func (r *Run) setDataAside(ctx context.Context, m *machine, sink event.Sink) error {
	if err := r.stopPods(ctx, m, sink, "etcd", apiServer); err != nil {
		return err
	}
	to, err := onMachine(ctx, m, `test ! -d "$1" || { to=$(dirname "$1")/removed-$(date -u +%Y%m%dT%H%M%SZ); mv -T "$1" "$to" && sync && echo "$to"; }`, layout.EtcdMember)
	if err == nil && to != "" {
		warn(sink, "the data that its etcd member had was moved to "+to+": delete it when it is not wanted any more")
	}
	return err
}

const apiServer = "kube-apiserver"
