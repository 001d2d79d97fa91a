package bootstrap

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/slipway/slipway/components"
	"github.com/slipway/slipway/internal/agent"
	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/host"
	"github.com/slipway/slipway/internal/kube"
	"github.com/slipway/slipway/internal/layout"
	"github.com/slipway/slipway/internal/spec"
	"github.com/slipway/slipway/pki"
)

// UpgradeWorker takes the machine that it runs on, the named worker of c, to the version that the cluster is on its way to, with no more
// rights than the machine's own kubelet has: they are enough to cordon it, to evict its pods and to let them come back. Interrupted, it
// is finished by running it again.
func UpgradeWorker(ctx context.Context, c *spec.Cluster, name string, sink event.Sink, timeout time.Duration) (u Upgraded, err error) {
	r := &Run{Cluster: c, Sink: sink, Timeout: timeout, Here: name}
	defer r.Close()
	if r.binary, err = agent.Self(); err != nil {
		return u, err
	}
	i := slices.IndexFunc(c.Nodes, func(n spec.Node) bool { return n.Name == name })
	h := host.NewLocal()
	m := &machine{node: c.Nodes[i], host: h, agent: agent.New(h, r.binary)}
	r.machines = []*machine{m}
	if err := r.asKubelet(ctx, m); err != nil {
		return u, err
	}
	if err := r.stands(ctx, r.asked.Typed); err != nil {
		return u, err
	}
	live, err := r.asked.Typed.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return u, fmt.Errorf("read this machine's Node: %w", err)
	}
	from := strings.TrimPrefix(live.Status.NodeInfo.KubeletVersion, "v")
	u.Version = r.Cluster.Kubernetes
	if r.change == nil && !older(from, u.Version) {
		u.Finished = true
		return u, nil
	}
	r.rollout = &rollout{From: from, To: r.Cluster.Kubernetes, Begun: time.Now()}
	if err := r.allAbove(ctx); err != nil {
		return u, err
	}
	grown := *r.Cluster
	grown.Nodes = append(slices.Clone(r.Cluster.Nodes), m.node)
	if r.Cluster, err = reread(&grown); err != nil {
		return u, err
	}
	if u.Changed, err = r.changeWorker(ctx, m); err != nil {
		return u, err
	}
	if err := r.keepDeclaration(); err != nil {
		return u, err
	}
	if live, err = r.asked.Typed.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{}); err == nil {
		u.Cordoned = live.Spec.Unschedulable
	}
	return u, err
}

// asKubelet makes the rights of this machine's own kubelet r's. A kubelet whose certificates come from elsewhere is looked after from there.
func (r *Run) asKubelet(ctx context.Context, m *machine) error {
	const authority, config = layout.PKI + "/ca.crt", layout.KubeletConf
	files, err := fetch(ctx, m, []string{authority, config})
	if err != nil {
		return err
	}
	if !bytes.Contains(files[config], []byte(components.KubeletClientCurrent)) {
		return &UpgradeError{"slipway apply looks after this machine, which joined by itself before", `write kubernetes = "…" into the cluster's file and apply it`}
	}
	if r.certs, err = pki.Trusted(files[authority]); err != nil {
		return err
	}
	if r.asked, err = r.asNode(m); err != nil {
		return fmt.Errorf("use the rights of this machine's kubelet: %w", err)
	}
	return nil
}

// allAbove refuses as long as there is an API server that is older than this machine's kubelet would be, or that does not tell.
// https://kubernetes.io/releases/version-skew-policy/#kubelet
func (r *Run) allAbove(ctx context.Context) error {
	pair, err := os.ReadFile(components.KubeletClientCurrent)
	if err != nil {
		return err
	}
	behind := map[string]error{}
	for _, n := range r.Cluster.ControlPlanes() {
		client, err := kube.Connect(kube.Access{
			Server: apiURL(n.Address), CA: r.certs.CA(pki.Kubernetes).Cert, Cert: pair, Key: pair,
		})
		if err != nil {
			return err
		}
		at, err := client.Version(ctx)
		if err == nil && older(at, r.rollout.To) {
			err = fmt.Errorf("its API server is of %s", at)
		}
		if err != nil {
			behind[n.Name] = err
		}
	}
	if len(behind) == 0 {
		return nil
	}
	var reasons []error
	for _, name := range slices.Sorted(maps.Keys(behind)) {
		reasons = append(reasons, &NodeError{name, behind[name]})
	}
	return &UpgradeError{
		fmt.Sprintf("workers come after the control planes, and not all of those are at Kubernetes %s: %v", r.rollout.To, errors.Join(reasons...)),
		"slipway upgrade node on " + list(slices.Sorted(maps.Keys(behind))) + " first",
	}
}

// changeWorker is what an apply does with one worker: images first, then drained, changed, waited for, and put back if it does not come
// through.
func (r *Run) changeWorker(ctx context.Context, m *machine) (changed bool, err error) {
	if err := r.openBundle(); err != nil {
		return false, err
	}
	warnings, err := r.examine(ctx)
	if err != nil {
		return false, err
	}
	for _, text := range warnings {
		r.Sink.Emit(event.Event{Kind: event.Warning, Message: text})
	}
	if len(m.changes) == 0 { // what a run before this one was kept from
		return false, r.asked.Uncordon(ctx, m.node.Name)
	}
	if err := r.judge(ctx, r.guardDisk, r.guardBarePods); err != nil {
		return false, err
	}
	if err := r.bring(ctx); err != nil {
		return false, err
	}
	return true, r.eachStage("workers", r.machines, func(m *machine, sink event.Sink) error { return r.rollWorker(ctx, m, sink) })
}
