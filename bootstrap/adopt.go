package bootstrap

import (
	"context"
	"slices"
	"strings"

	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/node"
	"github.com/slipway/slipway/internal/spec"
	"github.com/slipway/slipway/pki"
)

// adoptRejoined takes over the certificates of control planes that have newer ones than the state directory: such a
// machine left the cluster and joined it again by itself. Putting the old ones back would restart all of it for nothing.
func (r *Run) adoptRejoined(ctx context.Context) error {
	var adopted []*machine
	for _, m := range r.controlPlanes() {
		if m.facts.Cluster != r.certs.ClusterID() || !changesLeaves(m.changes) {
			continue
		}
		files, err := fetch(ctx, m, pki.RecoverPaths(spec.ControlPlane))
		if err != nil {
			return &NodeError{m.node.Name, err}
		}
		if names := r.certs.AdoptNewer(m.node.Name, files); len(names) > 0 {
			r.Sink.Emit(event.Event{Kind: event.Warning, Node: m.node.Name, Message: "it joined the cluster by itself, and keeps the certificates that it has since: " + strings.Join(names, ", ")})
			adopted = append(adopted, m)
		}
	}
	if len(adopted) == 0 {
		return nil
	}
	if err := r.ensureCerts(); err != nil {
		return err
	}
	return r.eachStage("diff", adopted, func(m *machine, _ event.Sink) error { return r.compare(ctx, m) })
}

// changesLeaves reports whether a certificate that a control plane has for itself would change.
func changesLeaves(changes []node.Change) bool {
	var leaves []string
	for _, path := range pki.RecoverPaths(spec.ControlPlane) {
		leaves = append(leaves, "file "+path)
	}
	return slices.ContainsFunc(changes, func(c node.Change) bool { return slices.Contains(leaves, c.ID) })
}
