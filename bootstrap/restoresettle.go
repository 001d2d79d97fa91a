package bootstrap

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"github.com/slipway/slipway/internal/check"
	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/kube"
	"github.com/slipway/slipway/internal/spec"
	"github.com/slipway/slipway/pki"
)

// settleRestored lets what is outside of etcd and what is in it come together: nodes that the data has and nobody else, and nodes that
// the data does not have; then waits until everybody who reads the cluster has read it anew.
func (r *Run) settleRestored(ctx context.Context) error {
	client, err := r.anyAPI(ctx)
	if err != nil {
		return err
	}
	if err := r.dropStale(ctx, client); err != nil {
		return err
	}
	if err := r.registerAnew(ctx, client); err != nil {
		return err
	}
	if err := r.removeGone(ctx); err != nil {
		return err
	}
	if err := r.waitReady(ctx); err != nil {
		return err
	}
	return r.relisted(ctx)
}

// dropStale deletes the Nodes of control planes that are not declared, and gives up their pods. Of undeclared workers it cannot be known
// here whether they are dead: some join by themselves.
func (r *Run) dropStale(ctx context.Context, client *kube.Client) error {
	nodes, err := client.AllNodes(ctx)
	if err != nil {
		return err
	}
	var stale []*machine
	for _, n := range nodes {
		if slices.Contains(n.Roles, string(spec.ControlPlane)) && !r.declares(n.Name) {
			stale = append(stale, &machine{node: spec.Node{Name: n.Name, Role: spec.ControlPlane}})
		}
	}
	return r.eachStage("stale-nodes", stale, func(m *machine, sink event.Sink) error {
		if err := client.DeleteNode(ctx, m.node.Name); err != nil {
			return err
		}
		ctx, cancel := r.within(ctx)
		defer cancel()
		return check.Wait(ctx, sink, dropped(client, m.node.Name)) // DaemonSets made theirs again until the Node was gone
	})
}

// dropped is that no pod of the node is left.
func dropped(client *kube.Client, name string) check.Condition {
	return check.Condition{Name: "its pods are given up", Node: name, Test: func(ctx context.Context) error {
		n, err := client.DropPods(ctx, name)
		if err == nil && n > 0 {
			err = fmt.Errorf("%d pods", n)
		}
		return err
	}}
}

// registerAnew restarts kubelets that were at work before and whose Node is not in the data: a kubelet registers when it starts.
func (r *Run) registerAnew(ctx context.Context, client *kube.Client) error {
	registered, err := client.NodeNames(ctx)
	if err != nil {
		return err
	}
	var lost []*machine
	for _, m := range r.withRole(spec.ControlPlane, spec.Worker) {
		if m.facts.Cluster == r.certs.ClusterID() && !registered[m.node.Name] {
			lost = append(lost, m)
		}
	}
	return r.restartKubelets(ctx, lost, "its Node is not in what was restored")
}

// relistProbe is a Service that is new in the restored cluster: what was set up before cannot make it answer.
const relistProbe = "slipway-relisted"

// relisted waits until kubelets, controllers and the scheduler have written since, and on every node a Service answers that there
// was none of before, so that its kube-proxy has read Services since, and the cluster's DNS.
func (r *Run) relisted(ctx context.Context) error {
	nodes := r.withRole(spec.ControlPlane, spec.Worker)
	var names []string
	for _, m := range nodes {
		names = append(names, m.node.Name)
	}
	conditions := []check.Condition{{Name: "kubelets, controllers and scheduler have written since", Test: func(ctx context.Context) error {
		client, err := r.anyAPI(ctx)
		if err != nil {
			return err
		}
		return client.LeasesRenewed(ctx, names, r.restore.journal.Base)
	}}}
	return r.stage("relist", func(sink event.Sink) (err error) {
		client, address, err := r.probe(ctx)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, client.DropProbe(context.WithoutCancel(ctx), relistProbe)) }()
		for _, m := range nodes {
			conditions = append(conditions, check.Condition{Name: "a new Service answers through its kube-proxy", Node: m.node.Name, Test: func(ctx context.Context) error { return r.serviceAnswers(ctx, m, address) }})
			if r.Here == "" { // by hand nobody knows which machines are still there: DNS may have been on one that is not, until its pods are given up
				conditions = append(conditions, check.Condition{Name: "Services answer through it", Node: m.node.Name, Test: func(ctx context.Context) error { return r.servicesAnswer(ctx, m) }})
			}
		}
		ctx, cancel := r.within(ctx)
		defer cancel()
		return check.Wait(ctx, sink, conditions...)
	})
}

// probe makes the new Service, with all API servers behind it.
func (r *Run) probe(ctx context.Context) (client *kube.Client, address string, err error) {
	if client, err = r.anyAPI(ctx); err != nil {
		return nil, "", err
	}
	var servers []netip.Addr
	for _, m := range r.controlPlanes() {
		servers = append(servers, m.node.Address)
	}
	address, err = client.AddProbe(ctx, relistProbe, 6443, servers...)
	return client, address, err
}

// serviceAnswers asks API servers by the address of a Service in front of them, from m.
func (r *Run) serviceAnswers(ctx context.Context, m *machine, address string) error {
	transport := &http.Transport{
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return m.host.Dial(ctx, network, address)
		},
		TLSClientConfig:   &tls.Config{RootCAs: r.roots(pki.Kubernetes), ServerName: "kubernetes", MinVersion: tls.VersionTLS12},
		DisableKeepAlives: true,
	}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+address+"/readyz", nil)
	if err != nil {
		return err
	}
	answer, err := transport.RoundTrip(request)
	if err != nil {
		return fmt.Errorf("%s: %w", address, err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", address, answer.Status)
	}
	return nil
}
