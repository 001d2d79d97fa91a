package bootstrap

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/slipway/slipway/components"
	"github.com/slipway/slipway/internal/check"
	"github.com/slipway/slipway/internal/spec"
	"github.com/slipway/slipway/pki"
)

// endpointCondition is that clients reach a ready API server at the endpoint. It is asked from a worker,
// or from a control plane where there is none: an operator may sit behind a bastion. A balancer that is the user's own is
// waited for as well: the pod network and kube-proxy of every node go by it.
func (r *Run) endpointCondition() *check.Condition {
	kind := r.Cluster.LoadBalancer.Kind
	if kind != spec.VIP && kind != spec.External {
		return nil
	}
	from := r.machines[0]
	if workers := r.withRole(spec.Worker); len(workers) > 0 {
		from = workers[0]
	}
	endpoint := (&components.Input{Cluster: r.Cluster, Certs: r.certs}).Endpoint()
	return &check.Condition{Name: "the endpoint " + endpoint + " answers", Test: func(ctx context.Context) error {
		err := r.askEndpoint(ctx, from)
		if err != nil && kind == spec.External {
			return fmt.Errorf("your load balancer does not lead to the cluster: have it forward TCP to port 6443 of every control plane: %w", err)
		}
		return err
	}}
}

func (r *Run) askEndpoint(ctx context.Context, from *machine) error {
	server, err := url.Parse((&components.Input{Cluster: r.Cluster, Certs: r.certs}).AdminServer())
	if err != nil {
		return err
	}
	transport := &http.Transport{
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return from.host.Dial(ctx, network, server.Host)
		},
		TLSClientConfig:   &tls.Config{RootCAs: r.roots(pki.Kubernetes), MinVersion: tls.VersionTLS12},
		DisableKeepAlives: true, // a fresh connection each time, as a new client would make
	}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, server.String()+"/readyz", nil)
	if err != nil {
		return err
	}
	answer, err := transport.RoundTrip(request)
	if err != nil {
		return fmt.Errorf("%s, asked from %s: %w", server.Host, from.node.Name, err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s, asked from %s: %s", server.Host, from.node.Name, answer.Status)
	}
	return nil
}
