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

	CertificateKey string `json:"certificateKey,omitempty"` // good for two hours
}

// Command is the join command that the ticket stands for.
func (t Ticket) Command() string {
	text := fmt.Sprintf("slipway join %s --token %s --ca-hash %s", t.Endpoint, t.Token, t.CAHash)
	if t.CertificateKey != "" {
		text += " --control-plane --certificate-key " + t.CertificateKey
	}
	return text
}

// Worker is the ticket without what only control planes need.
func (t Ticket) Worker() Ticket {
	t.CertificateKey = ""
	return t
}

// Ticketing says what a ticket is to be good for.
type Ticketing struct {
	Description  string
	Lifetime     time.Duration // 0: for ever
	ControlPlane bool          // hand over what control planes need, too
}

// CreateToken opens the cluster for joining, if it is not yet, and makes a token.
func (r *Run) CreateToken(ctx context.Context, wanted Ticketing) (Ticket, error) {
	client, err := r.admin(ctx)
	if err != nil {
		return Ticket{}, err
	}
	if err := r.guardRestored(); err != nil { // who joined meanwhile would be told of control planes that are no more
		return Ticket{}, err
	}
	there, same, err := r.current(ctx, client)
	if err != nil {
		return Ticket{}, err
	}
	version := r.Cluster.Kubernetes
	if r.change != nil { // which all control planes have until the change is finished
		version = r.change.From
	}
	// The bundle may be elsewhere by now, and only one image's name is wanted of it.
	in := &components.Input{Cluster: r.Cluster, Certs: r.certs, Payload: components.Payload{Images: map[string]node.Image{
		"kube": {Ref: bundle.Reference("kube", version)},
	}}}
	objects, err := opening(in, there && same)
	if err != nil {
		return Ticket{}, err
	}
	if err := client.Apply(ctx, objects); err != nil {
		return Ticket{}, fmt.Errorf("open the cluster for joining: %w", err)
	}
	t := Ticket{Endpoint: in.Endpoint(), CAHash: r.certs.CAHash()}
	if wanted.Lifetime > 0 {
		t.Expires = time.Now().Add(wanted.Lifetime)
	}
	if wanted.ControlPlane {
		if t.CertificateKey, err = r.offerCertificates(ctx, client, in); err != nil {
			return Ticket{}, err
		}
	}
	if t.Token, err = client.CreateToken(ctx, components.JoinersGroup, wanted.Description, t.Expires); err != nil {
		return Ticket{}, err
	}
	ctx, cancel := r.within(ctx)
	defer cancel()
	return t, check.Wait(ctx, event.Discard, check.Condition{Name: "the token can be used", Test: func(ctx context.Context) error {
		return client.Signed(ctx, t.Token)
	}})
}

// Opened reports whether the cluster was opened for joining, as the first token does.
func (r *Run) Opened(ctx context.Context) (bool, error) {
	client, err := r.admin(ctx)
	if err != nil {
		return false, err
	}
	there, _, err := r.current(ctx, client)
	return there, err
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
		if r.Here != "" && n.Name != r.Here {
			continue // a machine of the cluster asks itself
		}
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
