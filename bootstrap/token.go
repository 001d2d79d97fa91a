package bootstrap

import (
	"context"
	"fmt"
	"time"

	"github.com/slipway/slipway/components"
	"github.com/slipway/slipway/internal/bundle"
	"github.com/slipway/slipway/internal/check"
	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/kube"
	"github.com/slipway/slipway/internal/node"
)

// Token is a bootstrap token, without what makes it one.
type Token = kube.Token

// JoinError is a cluster that cannot be joined as asked.
type JoinError = kube.JoinError

// Ticket is what a machine needs to join.
type Ticket struct {
	Token    string    `json:"token"`
	Expires  time.Time `json:"expires,omitzero"`
	Endpoint string    `json:"endpoint"`
	CAHash   string    `json:"caHash"`
}

// Command is the join command that the ticket stands for.
func (t Ticket) Command() string {
	return fmt.Sprintf("slipway join %s --token %s --ca-hash %s", t.Endpoint, t.Token, t.CAHash)
}

// CreateToken opens the cluster for joining, if it is not yet, and makes a token that is good for lifetime; 0 is for ever.
func (r *Run) CreateToken(ctx context.Context, description string, lifetime time.Duration) (Ticket, error) {
	client, err := r.admin(ctx)
	if err != nil {
		return Ticket{}, err
	}
	// The bundle may be elsewhere by now, and only one image's name is wanted of it.
	in := &components.Input{Cluster: r.Cluster, Certs: r.certs, Payload: components.Payload{Images: map[string]node.Image{
		"kube": {Ref: bundle.Reference("kube", r.Cluster.Kubernetes)},
	}}}
	objects, err := in.Joining()
	if err != nil {
		return Ticket{}, err
	}
	if err := client.Apply(ctx, objects); err != nil {
		return Ticket{}, fmt.Errorf("open the cluster for joining: %w", err)
	}
	t := Ticket{Endpoint: in.Endpoint(), CAHash: r.certs.CAHash()}
	if lifetime > 0 {
		t.Expires = time.Now().Add(lifetime)
	}
	if t.Token, err = client.CreateToken(ctx, components.JoinersGroup, description, t.Expires); err != nil {
		return Ticket{}, err
	}
	ctx, cancel := r.within(ctx)
	defer cancel()
	return t, check.Wait(ctx, event.Discard, check.Condition{Name: "the token can be used", Test: func(ctx context.Context) error {
		return client.Signed(ctx, t.Token)
	}})
}

// Tokens lists the tokens there are.
func (r *Run) Tokens(ctx context.Context) ([]Token, error) {
	client, err := r.admin(ctx)
	if err != nil {
		return nil, err
	}
	return client.Tokens(ctx)
}

// DeleteToken deletes a token by its id.
func (r *Run) DeleteToken(ctx context.Context, id string) error {
	client, err := r.admin(ctx)
	if err != nil {
		return err
	}
	return client.DeleteToken(ctx, id)
}

// admin connects to control planes, and is a client of the first whose API server is ready.
func (r *Run) admin(ctx context.Context) (*kube.Client, error) {
	var err error
	if r.certs, err = r.stored(); err != nil {
		return nil, fmt.Errorf("read the cluster's certificates: %w; apply the cluster first", err)
	}
	for _, n := range r.Cluster.ControlPlanes() {
		r.machines = append(r.machines, &machine{node: n})
	}
	// One that answers will do; why the others do not is told only if none does.
	unreached := each(r.machines, func(m *machine) error { return r.reach(ctx, m) })
	client, err := r.anyAPI(ctx)
	if err != nil && unreached != nil {
		return nil, unreached
	}
	return client, err
}
