package bootstrap

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/slipway/slipway/components"
	"github.com/slipway/slipway/internal/drill"
	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/kube"
	"github.com/slipway/slipway/internal/load"
	"github.com/slipway/slipway/internal/spec"
	"github.com/slipway/slipway/pki"
)

// aim finds the endpoint that clients of the cluster use, and from where to reach it: this machine if it can, or else a worker.
func (d *drilling) aim(ctx context.Context, about *drill.Report) error {
	server := (&components.Input{Cluster: d.Cluster, Certs: d.certs}).AdminServer()
	inside := false
	if lb := d.Cluster.LoadBalancer; lb.Kind == spec.NodeLocal && d.Cluster.Endpoint.Port() == 0 {
		server, inside = fmt.Sprintf("https://127.0.0.1:%d", lb.Port), true // on every node, and nowhere else
	}
	at, err := url.Parse(server)
	if err != nil {
		return err
	}
	admin := d.certs.Shared(pki.Admin)
	d.access = load.Access{Server: server, CA: d.certs.CA(pki.Kubernetes).Cert, Cert: admin.Cert, Key: admin.Key, Dial: load.Dialer()}
	about.Endpoint, about.Via, about.Rate, about.PollRate, about.Cluster = at.Host, "this machine", d.Rate, d.PollRate, d.Cluster.Name
	if !inside && connects(ctx, d.access, at.Host) == nil {
		return nil
	}
	from := d.roads[0]
	for _, r := range d.roads {
		if r.m.node.Role == spec.Worker {
			from = r
			break
		}
	}
	about.Via, d.access.Dial = from.m.node.Name, from.Dial
	if err := connects(ctx, d.access, at.Host); err != nil {
		return fmt.Errorf("the endpoint %s is reached neither from this machine nor from %s: %w", at.Host, from.m.node.Name, err)
	}
	return nil
}

func connects(ctx context.Context, a load.Access, host string) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	var conn net.Conn
	conn, err := a.Dial(ctx, "tcp", host)
	if err != nil {
		return err
	}
	return conn.Close()
}

// ours are the objects that an apply may change, by "Kind namespace/name"; nil where none is going to.
func (d *drilling) ours() (map[string]bool, error) {
	if d.bundle == nil {
		return nil, nil
	}
	objects, err := d.input().Objects()
	if err != nil {
		return nil, err
	}
	out := map[string]bool{}
	for _, o := range objects {
		out[kube.ID(o)] = true
	}
	return out, nil
}

const dnsDeployment = "coredns"

// canaryImage is the image that the cluster's DNS runs: every node has it.
func canaryImage(ctx context.Context, client *kube.Client) (string, error) {
	var dns *appsv1.Deployment
	dns, err := client.Typed.AppsV1().Deployments(metav1.NamespaceSystem).Get(ctx, dnsDeployment, metav1.GetOptions{})
	if err != nil {
		return "", fmt.Errorf("find an image that every node has: %w", err)
	}
	return dns.Spec.Template.Spec.Containers[0].Image, nil
}

// refit gives the canary the new bundle's image as soon as all nodes have both: those that are upgraded have the old one no more.
func (d *drilling) refit(ctx context.Context, e event.Event) {
	if e.Stage != "images" || e.Node != "" || e.Subject != "" || e.Kind != event.Done || d.bundle == nil {
		return
	}
	image := payload(d.bundle.Manifest()).Images[dnsDeployment].Ref
	if image == "" || image == d.image {
		return
	}
	d.looks.Go(func() { // whoever tells of the event does not wait
		client, err := d.anyAPI(ctx)
		if err == nil {
			err = load.UseImage(ctx, client.Typed, image)
		}
		if err != nil {
			d.Sink.Emit(event.Event{Kind: event.Warning, Message: "the canary keeps its old image, and may not start again on upgraded nodes: " + err.Error()})
		}
	})
}
