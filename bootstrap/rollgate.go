package bootstrap

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/slipway/slipway/internal/check"
	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/kube"
	"github.com/slipway/slipway/internal/node"
	"github.com/slipway/slipway/internal/spec"
)

// RolloutError is a node that did not come through a change.
type RolloutError struct {
	name string
	err  error
	back error // why it is not as before; nil when it is
	here bool  // the change is made on the machine itself
}

func (e *RolloutError) Error() string {
	if e.back != nil {
		return fmt.Sprintf("%s: %v; and it could not be put back: %v", e.name, e.err, e.back)
	}
	return fmt.Sprintf("%s: %v; it was put back to what it ran before, and the others are as they were", e.name, e.err)
}

// PutBack reports whether the node is as it was before.
func (e *RolloutError) PutBack() bool { return e.back == nil }

// Node is its name.
func (e *RolloutError) Node() string    { return e.name }
func (e *RolloutError) Unwrap() []error { return []error{e.err, e.back} }

// Remedy is the way on.
func (e *RolloutError) Remedy() string {
	switch {
	case e.here && e.back != nil:
		return "journalctl -u kubelet and /var/log/pods show what it does; mend the cause and run the same command again, which goes on"
	case e.here:
		return "the cluster is served as before; mend the cause and run the same command again, which goes on"
	case e.back != nil:
		return "slipway status shows what the cluster does without it; mend the cause in the file or on the machine and apply again"
	}
	return "the cluster is served as before; mend the cause and apply again, which goes on with this node, or go back: the file as it was, or for another version slipway rollback"
}

// conclude gives m the rest of its State or, where what came before failed with err, puts it back. Where this run was cut off, whoever
// goes on decides.
func (r *Run) conclude(ctx context.Context, m *machine, sink event.Sink, err error) error {
	switch {
	case err == nil:
		return m.agent.Converge(ctx, m.state, sink)
	case ctx.Err() != nil:
		return err
	}
	return r.putBack(ctx, m, sink, err)
}

// putBack makes m what it was when it was last whole, and tells why.
func (r *Run) putBack(ctx context.Context, m *machine, sink event.Sink, why error) error {
	sink.Emit(event.Event{Kind: event.Warning, Message: "it did not come through, and is put back: " + why.Error()})
	back := m.agent.Restore(ctx, sink)
	if back == nil && m.node.Role == spec.ControlPlane {
		back = r.waitWhole(ctx, m, sink)
	}
	return &RolloutError{m.node.Name, why, back, r.Here != ""}
}

func (r *Run) waitWhole(ctx context.Context, m *machine, sink event.Sink) error {
	ctx, cancel := r.within(ctx)
	defer cancel()
	return check.Wait(ctx, sink, r.whole(m)...)
}

// gateWithin bounds the waiting for one node that was changed, so that one which does not come through is soon put back.
func (r *Run) gateWithin(ctx context.Context) (context.Context, context.CancelFunc) {
	long := r.timeout()
	if !r.taking {
		long = min(long, r.Cluster.Upgrade.GateTimeout)
	}
	return context.WithTimeout(ctx, long)
}

// nodeGate waits until the node runs its version, what belongs there runs on it, and the cluster's Services answer through it.
func (r *Run) nodeGate(ctx context.Context, m *machine, sink event.Sink) error {
	ctx, cancel := r.gateWithin(ctx)
	defer cancel()
	return check.Wait(ctx, sink, r.nodeConditions(m)...)
}

// nodeWell reports whether m's node is as it would have to be behind the gate, but for the version. One that is not has
// nothing to lose, and no gate could tell whether the change did it.
func (r *Run) nodeWell(ctx context.Context, m *machine) bool {
	for _, c := range r.nodeConditions(m)[1:] {
		if c.Test(ctx) != nil {
			return false
		}
	}
	return r.nodesReadyOf(ctx, m) == nil
}

func (r *Run) nodesReadyOf(ctx context.Context, m *machine) error {
	client, err := r.anyAPI(ctx)
	if err != nil {
		return err
	}
	return client.NodeReady(ctx, m.node.Name)
}

func (r *Run) nodeConditions(m *machine) []check.Condition {
	ask := func(what func(context.Context, *kube.Client) error) func(context.Context) error {
		return func(ctx context.Context) error {
			client, err := r.anyAPI(ctx)
			if err != nil {
				return err
			}
			return what(ctx, client)
		}
	}
	name := m.node.Name
	return []check.Condition{
		{Name: "the node is Ready at its version", Node: name, Test: ask(func(ctx context.Context, c *kube.Client) error { return c.NodeRuns(ctx, name, r.Cluster.Kubernetes) })},
		{Name: "kube-system runs on it", Node: name, Test: ask(func(ctx context.Context, c *kube.Client) error { return c.SystemRunsOn(ctx, name) })},
		{Name: "Services answer through it", Node: name, Test: func(ctx context.Context) error { return r.servicesAnswer(ctx, m) }},
	}
}

// servicesAnswer asks the cluster's DNS for the API's name, by the Service's address and from m: kubelet, proxy, pod network
// and a workload in one.
func (r *Run) servicesAnswer(ctx context.Context, m *machine) error {
	resolver := net.Resolver{PreferGo: true, StrictErrors: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return m.host.Dial(ctx, "tcp", net.JoinHostPort(r.input().DNSAddress().String(), "53"))
	}}
	name := "kubernetes.default.svc." + r.Cluster.Network.DNS + "."
	if _, err := resolver.LookupNetIP(ctx, "ip4", name); err != nil {
		return fmt.Errorf("the cluster's DNS does not answer from it: %w", err)
	}
	return nil
}

// disturbing reports whether changes are felt by what runs: static pods and units that start again.
func disturbing(changes []node.Change) bool {
	return changesPods(changes) || slices.ContainsFunc(changes, func(c node.Change) bool {
		return strings.HasPrefix(c.ID, "unit ") && !isTimer(c) && (c.Action == node.Restart || c.Action == node.Start)
	})
}

// isTimer tells timers from what runs: what they start next time is all that changes with them.
func isTimer(c node.Change) bool { return strings.HasSuffix(c.ID, ".timer") }

// felt reports whether a machine has to come through its changes: it is disturbed by them, or was by those that a run before began.
func felt(changes []node.Change) bool { return disturbing(changes) || node.IsUnfinished(changes) }

func isImage(c node.Change) bool { return strings.HasPrefix(c.ID, "image ") && c.Action != node.Delete }
