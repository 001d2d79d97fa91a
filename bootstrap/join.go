package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/slipway/slipway/components"
	"github.com/slipway/slipway/internal/agent"
	"github.com/slipway/slipway/internal/check"
	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/host"
	"github.com/slipway/slipway/internal/kube"
	"github.com/slipway/slipway/internal/node"
	"github.com/slipway/slipway/internal/plan"
	"github.com/slipway/slipway/internal/preflight"
	"github.com/slipway/slipway/internal/spec"
	"github.com/slipway/slipway/pki"
)

// Joining is what join is told of the cluster and of this machine's place in it.
type Joining struct {
	Endpoint string   // host and port where the API answers
	Token    string   // a bootstrap token
	CAHashes []string // of the cluster's authority: "sha256:…"
	Bundle   string   // path of the bundle; "" to look beside the program
	Node     string   // name; "" for the host's
	Address  netip.Addr
	Labels   map[string]string
	Taints   []spec.Taint

	ControlPlane   bool
	CertificateKey string // opens what the cluster hands over to control planes
}

// Join makes this machine a worker of a cluster that is open for joining, or a control plane. The token and the hash are all it needs to
// trust the cluster and be trusted; neither is kept. Its kubelet asks for its own certificates
// and renews them. It may be interrupted at any moment: joining again finishes, also with another token.
// What the user can mend is a *kube.JoinError, a *spec.Error or an *UnfitError, before anything has changed.
func Join(ctx context.Context, j Joining, sink event.Sink, timeout time.Duration) error {
	r := &Run{Sink: sink, Timeout: timeout}
	defer r.Close()
	var err error
	if r.binary, err = agent.Self(); err != nil {
		return err
	}
	var found *kube.Discovery
	err = r.stage("discover", func(sink event.Sink) (err error) {
		found, err = r.discover(ctx, j, sink)
		return err
	})
	if err != nil {
		return err
	}
	if err := clockAgrees(found.Skew); err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(&rest.Config{
		Host: "https://" + j.Endpoint, BearerToken: j.Token, TLSClientConfig: rest.TLSClientConfig{CAData: found.CA}, Timeout: 30 * time.Second,
	})
	if err != nil {
		return err
	}
	if r.certs, err = pki.Trusted(found.CA); err != nil {
		return err
	}
	if j.ControlPlane {
		return r.joinControlPlane(ctx, client, j, found)
	}
	if r.Cluster, err = j.declaration(ctx, client); err != nil {
		return err
	}
	return r.join(ctx, client, found)
}

// self is the node that this machine is to be.
func (j Joining) self() (n spec.Node, err error) {
	n = spec.Node{Name: j.Node, Role: spec.Worker, Address: j.Address, Labels: j.Labels, Taints: j.Taints}
	if j.ControlPlane {
		n.Role = spec.ControlPlane
		if n.Taints == nil {
			n.Taints = []spec.Taint{controlPlaneTaint}
		}
	}
	if n, err = suggested(n, j.Endpoint); err != nil {
		return n, err
	}
	for key := range n.Labels {
		if !components.OwnLabel(key) {
			return n, &FlagError{"label", fmt.Errorf("a node may not give itself the label %s; once it has joined, on a control plane: kubectl label node %s %s=%s", key, n.Name, key, n.Labels[key])}
		}
	}
	return n, err
}

// declaration is the cluster's, with this machine in it.
func (j Joining) declaration(ctx context.Context, client kubernetes.Interface) (*spec.Cluster, error) {
	n, err := j.self()
	if err != nil {
		return nil, err
	}
	c, err := declaredIn(ctx, client, j.Bundle)
	if err != nil {
		return nil, err
	}
	if err := mayJoin(ctx, client, c, n.Name); err != nil {
		return nil, err
	}
	for _, other := range c.Nodes {
		if other.Address == n.Address {
			return nil, addressTaken(n, other)
		}
		if other.Name == n.Name {
			return nil, nameTaken(n.Name)
		}
	}
	c.Nodes = append(c.Nodes, n)
	return reread(c)
}

// join does the machine's part. Everything that can refuse does so before the first change.
func (r *Run) join(ctx context.Context, client kubernetes.Interface, found *kube.Discovery) error {
	n := r.Cluster.Nodes[len(r.Cluster.Nodes)-1]
	h := host.NewLocal()
	m := &machine{node: n, host: h, agent: agent.New(h, r.binary)}
	r.machines = []*machine{m}
	if err := r.openBundle(); err != nil {
		return err
	}
	if err := r.observeJoining(ctx, m, client); err != nil {
		return err
	}
	err := r.stage("certificate", func(sink event.Sink) error {
		if err := r.claim(ctx, m, sink); err != nil {
			return err
		}
		if err := r.keepDeclaration(); err != nil { // reset needs it, however far this gets
			return err
		}
		return r.ensureClientCertificate(ctx, client, n.Name)
	})
	if err != nil {
		return err
	}
	if err := r.send(ctx, r.machines); err != nil {
		return err
	}
	if err := r.converge(ctx, r.machines); err != nil {
		return err
	}
	return r.stage("ready", func(sink event.Sink) error {
		ctx, cancel := r.within(ctx)
		defer cancel()
		return check.Wait(ctx, sink, check.Condition{Name: "the node is Ready", Node: n.Name, Test: func(ctx context.Context) error {
			return nodeReady(ctx, found, n.Name)
		}})
	})
}

// observeJoining looks at the machine, judges it, and works out what is to change.
func (r *Run) observeJoining(ctx context.Context, m *machine, client kubernetes.Interface) error {
	var p plan.Plan
	err := r.eachStage("facts", r.machines, func(m *machine, _ event.Sink) error { return r.look(ctx, m) })
	if err != nil {
		return err
	}
	if err := r.nameFree(ctx, m, client); err != nil {
		return err
	}
	if err := r.preflight(&p); err != nil {
		return err
	}
	for _, text := range p.Warnings {
		r.Sink.Emit(event.Event{Kind: event.Warning, Message: text})
	}
	in := r.input()
	in.Joined = m.node.Role == spec.Worker
	if m.state, err = r.wanted(in, m.node); err != nil {
		return err
	}
	m.changes, err = m.agent.Diff(ctx, m.state)
	return err
}

// claim makes the machine the cluster's before anything is put there, so that reset knows how it was found.
func (r *Run) claim(ctx context.Context, m *machine, sink event.Sink) error {
	if m.facts.Cluster != "" {
		return nil
	}
	return m.agent.Converge(ctx, node.State{Version: m.state.Version, Cluster: m.state.Cluster, Node: m.state.Node}, sink)
}

// nameFree refuses a name that another machine has: two kubelets of one name would fight over one Node. A machine that
// has a name in the cluster keeps it.
func (r *Run) nameFree(ctx context.Context, m *machine, client kubernetes.Interface) error {
	switch {
	case m.facts.Cluster == r.certs.ClusterID() && m.facts.Node == m.node.Name:
		return nil // this machine, on its second try
	case m.facts.Cluster == r.certs.ClusterID():
		return &UnfitError{preflight.Finding{
			Node: m.node.Name, What: "this machine is in the cluster already, as node " + m.facts.Node,
			Remedy: "join with --node-name " + m.facts.Node + " to finish or repair it, or take it out first: slipway reset",
		}}
	case m.facts.Cluster != "":
		return nil // preflight says what is wrong
	}
	_, err := client.CoreV1().Nodes().Get(ctx, m.node.Name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return nil
	case err != nil:
		return fmt.Errorf("ask whether a node %s exists: %w", m.node.Name, err)
	}
	return nameTaken(m.node.Name)
}

func addressTaken(n, other spec.Node) error {
	return unfit(n.Name, fmt.Sprintf("its address %s is that of node %s", n.Address, other.Name),
		"if this is that machine, it is in the cluster already; if not, join with its own address among the nodes, by --address")
}

func nameTaken(name string) error {
	return unfit(name, "the cluster has a node of this name already",
		"join by another --node-name; or, if that machine is gone for good, kubectl delete node "+name)
}

// keepDeclaration keeps what this machine was joined with, for the verbs that run on it later.
func (r *Run) keepDeclaration() error {
	if err := os.MkdirAll(ownDir, 0o700); err != nil {
		return err
	}
	_, err := readOwn(ownFile, spec.Write(r.Cluster), r.Cluster.Bundle)
	return err
}

// nodeReady asks as the node itself, which may read its own Node.
func nodeReady(ctx context.Context, found *kube.Discovery, name string) error {
	pair, err := os.ReadFile(components.KubeletClientCurrent)
	if errors.Is(err, fs.ErrNotExist) {
		return errors.New("its kubelet has no certificate")
	}
	if err != nil {
		return err
	}
	client, err := kube.Connect(kube.Access{Server: found.Server, CA: found.CA, Cert: pair, Key: pair})
	if err != nil {
		return err
	}
	n, err := client.Typed.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	if why := kube.NotReady(n); why != "" {
		return errors.New(why)
	}
	return nil
}
