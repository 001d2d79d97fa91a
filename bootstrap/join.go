package bootstrap

import (
	"context"
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"time"

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
	return r.compareOwn(ctx, m)
}

// claim makes the machine the cluster's before anything is put there, so that reset knows how it was found.
func (r *Run) claim(ctx context.Context, m *machine, sink event.Sink) error {
	if m.facts.Cluster != "" {
		return nil
	}
	return m.agent.Converge(ctx, node.State{Version: m.state.Version, Cluster: m.state.Cluster, Node: m.state.Node}, sink)
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
