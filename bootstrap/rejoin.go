package bootstrap

import (
	"context"

	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/host"
	"github.com/slipway/slipway/internal/spec"
)

// rejoin restarts the kubelets of nodes that the API does not know, although they ran before and nothing on their
// machines has changed: a kubelet registers itself when it starts, and not again after somebody deleted its Node.
func (r *Run) rejoin(ctx context.Context) error {
	client, err := r.anyAPI(ctx)
	if err != nil {
		return err
	}
	registered, err := client.NodeNames(ctx)
	if err != nil {
		return err
	}
	return r.restartKubelets(ctx, r.lost(registered), "its Node was deleted")
}

func (r *Run) restartKubelets(ctx context.Context, machines []*machine, why string) error {
	return r.eachStage("rejoin", machines, func(m *machine, sink event.Sink) error {
		sink.Emit(event.Event{Kind: event.Changed, Subject: "unit kubelet.service", Message: "restart: " + why})
		return m.host.Run(ctx, host.Command{Args: []string{"systemctl", "restart", "kubelet.service"}, Root: true})
	})
}

// lost are the nodes that were in the cluster, are as they should be, and are not registered.
func (r *Run) lost(registered map[string]bool) []*machine {
	var out []*machine
	for _, m := range r.withRole(spec.ControlPlane, spec.Worker) {
		if m.facts.Cluster == r.certs.ClusterID() && len(m.changes) == 0 && !registered[m.node.Name] {
			out = append(out, m)
		}
	}
	return out
}
