package bootstrap

import (
	"context"
	"time"

	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/node"
)

// stopGrace is how long static pods have that are stopped where etcd has no quorum or no member: an API server would spend its whole
// half minute on requests that it cannot finish, and etcd loses nothing by being killed.
const stopGrace = 5 * time.Second

// stopPods stops static pods on m, whose names are those of their programs. Converging makes their manifests again, and what they
// were lies aside on the machine. The kubelet is started anew, since it may have had no API server to hear from for long.
func (r *Run) stopPods(ctx context.Context, m *machine, sink event.Sink, names ...string) error {
	ctx, cancel := r.within(ctx)
	defer cancel()
	return m.agent.Halt(ctx, node.Halt{Pods: names, Aside: "stopped", Afresh: true, Grace: stopGrace}, sink)
}
