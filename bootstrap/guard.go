package bootstrap

import (
	"errors"
	"fmt"

	"k8s.io/client-go/tools/clientcmd"

	"github.com/slipway/slipway/internal/spec"
)

// appliedFile keeps what a running cluster cannot change by an ordinary apply.
const appliedFile = "applied"

// applied is what the cluster was made with.
type applied struct {
	Kubernetes string `json:"kubernetes"`
	Pods       string `json:"pods"`
	Services   string `json:"services"`
}

func wished(c *spec.Cluster) applied {
	return applied{c.Kubernetes, c.Network.Pods.String(), c.Network.Services.String()}
}

// guard refuses what would break a cluster or could never work, before any machine is looked at closely.
func (r *Run) guard() error {
	if pods := r.Cluster.Network.Pods; pods.Addr().Is6() {
		return fmt.Errorf("the pod network is IPv4 only so far: %s is an IPv6 range; write an IPv4 one in the network block", pods)
	}
	return errors.Join(r.guardMembers(), r.guardApplied())
}

// guardApplied refuses another version, which needs an order of its own so that no kubelet is newer than an API
// server, and other ranges, which objects in the API would not follow.
func (r *Run) guardApplied() error {
	var was applied
	if found, err := r.dir.Get(appliedFile, &was); err != nil || !found {
		return err
	}
	var errs []error
	now := wished(r.Cluster)
	for _, v := range []struct{ what, was, now string }{
		{"kubernetes", was.Kubernetes, now.Kubernetes}, {"network.pods", was.Pods, now.Pods}, {"network.services", was.Services, now.Services},
	} {
		if v.was != v.now {
			errs = append(errs, fmt.Errorf("%s cannot be changed in a running cluster yet: it was applied as %s, the file says %s (slipway destroy begins anew)", v.what, v.was, v.now))
		}
	}
	return errors.Join(errs...)
}

// guardAdoption refuses to take over a cluster of another name, whose machines the file names by mistake.
func (r *Run) guardAdoption(node string, files map[string][]byte) error {
	text, ok := files["/etc/kubernetes/admin.conf"]
	if !ok {
		return nil
	}
	config, err := clientcmd.Load(text)
	if err != nil {
		return fmt.Errorf("%s: read admin.conf: %w", node, err)
	}
	for name := range config.Clusters {
		if name != r.Cluster.Name {
			return fmt.Errorf("%s belongs to the cluster %q, not %q: apply with that cluster's file and state directory, or destroy it with them", node, name, r.Cluster.Name)
		}
	}
	return nil
}
