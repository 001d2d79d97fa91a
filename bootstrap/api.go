package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"github.com/slipway/slipway/internal/kube"
	"github.com/slipway/slipway/internal/node"
	"github.com/slipway/slipway/internal/plan"
	"github.com/slipway/slipway/internal/spec"
	"github.com/slipway/slipway/pki"
)

// controlPlanes are the machines of that role.
func (r *Run) controlPlanes() []*machine { return r.withRole(spec.ControlPlane) }

func (r *Run) withRole(roles ...spec.Role) []*machine {
	var out []*machine
	for _, m := range r.machines {
		for _, role := range roles {
			if m.node.Role == role {
				out = append(out, m)
			}
		}
	}
	return out
}

// api is a client of m's own API server, through the connection to m: the operator needs no other way in.
func (r *Run) api(m *machine) (*kube.Client, error) {
	m.clients.Lock()
	defer m.clients.Unlock()
	if m.kube != nil {
		return m.kube, nil
	}
	a := r.adminAccess(m.node.Address)
	a.Dial = m.host.Dial
	client, err := kube.Connect(a)
	m.kube = client
	return client, err
}

// readyAt is a client of the API server at one control plane's address, straight from this machine, if it says that it is ready.
func (r *Run) readyAt(ctx context.Context, address netip.Addr) (*kube.Client, error) {
	client, err := kube.Connect(r.adminAccess(address))
	if err != nil {
		return nil, err
	}
	if err := client.Ready(ctx); err != nil {
		return nil, err
	}
	return client, nil
}

func (r *Run) adminAccess(address netip.Addr) kube.Access {
	admin := r.certs.Shared(pki.SuperAdmin)
	return kube.Access{Server: apiURL(address), CA: r.certs.CA(pki.Kubernetes).Cert, Cert: admin.Cert, Key: admin.Key}
}

func apiURL(a netip.Addr) string { return "https://" + netip.AddrPortFrom(a, 6443).String() }

// ready asks m's own API server.
func (r *Run) ready(ctx context.Context, m *machine) error {
	client, err := r.api(m)
	if err != nil {
		return err
	}
	return client.Ready(ctx)
}

// voting asks m's own etcd member.
func (r *Run) voting(ctx context.Context, m *machine) error {
	client, err := r.memberOf(m)
	if err != nil {
		return err
	}
	err = client.Voting(ctx)
	return errors.Join(err, client.Close())
}

// anyAPI is a client of the first API server that is ready; on a worker, of the endpoint with the rights of its kubelet.
func (r *Run) anyAPI(ctx context.Context) (*kube.Client, error) {
	if r.asked != nil {
		return r.asked, nil
	}
	var reasons []error
	for _, m := range r.controlPlanes() {
		if m.host == nil {
			continue
		}
		client, err := r.api(m)
		if err == nil {
			if err = client.Ready(ctx); err == nil {
				return client, nil
			}
		}
		reasons = append(reasons, &NodeError{m.node.Name, err})
	}
	if reasons == nil {
		return nil, errors.New("no API server is ready: none of the control planes was reached")
	}
	return nil, fmt.Errorf("no API server is ready: %w", errors.Join(reasons...))
}

// observeObjects adds to p what the cluster's API holds otherwise than it should: on bare machines
// everything. Where there is a cluster whose API does not answer, nothing can be said, and that is said.
func (r *Run) observeObjects(ctx context.Context, p *plan.Plan) error {
	objects, err := r.input().Objects()
	if err != nil {
		return err
	}
	client, err := r.anyAPI(ctx)
	if err != nil && r.bare() {
		for _, o := range objects {
			p.Objects = append(p.Objects, plan.Object{ID: kube.ID(o), Action: node.Create})
		}
		return nil
	}
	if err != nil {
		p.Warnings = append(p.Warnings, "the cluster's objects could not be compared: "+err.Error())
		return nil
	}
	changes, err := client.Diff(ctx, objects)
	if err != nil {
		return err
	}
	for _, wish := range r.wishes() {
		change, err := client.DiffNode(ctx, wish)
		if err != nil {
			return err
		}
		if change != nil {
			changes = append(changes, *change)
		}
	}
	tellObjects(p, changes)
	return nil
}

// tellObjects puts into p what objects differ by.
func tellObjects(p *plan.Plan, changes []kube.Change) {
	for _, c := range changes {
		action := node.Update
		if c.Create {
			action = node.Create
		}
		p.Objects = append(p.Objects, plan.Object{ID: c.ID, Action: action, Before: c.Before, After: c.After})
	}
}

// bare reports whether no control plane was ever made for this cluster.
func (r *Run) bare() bool {
	for _, m := range r.controlPlanes() {
		if m.facts.Cluster != "" || m.taken {
			return false
		}
	}
	return true
}

// wishes is what the spec says of the nodes' objects.
func (r *Run) wishes() []kube.NodeWish {
	in := r.input()
	var out []kube.NodeWish
	for _, m := range r.withRole(spec.ControlPlane, spec.Worker) {
		wish := kube.NodeWish{Name: m.node.Name, Labels: map[string]string{}, Taints: in.Taints(m.node)}
		for k, v := range m.node.Labels {
			wish.Labels[k] = v
		}
		wish.Labels["node-role.kubernetes.io/"+string(m.node.Role)] = ""
		out = append(out, wish)
	}
	return out
}
