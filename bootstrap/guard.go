package bootstrap

import (
	"fmt"

	"k8s.io/client-go/tools/clientcmd"

	"github.com/slipway/slipway/internal/layout"
	"github.com/slipway/slipway/internal/spec"
)

// appliedFile keeps what a running cluster cannot change by an ordinary apply.
const appliedFile = "applied"

// applied is what the cluster was made with.
type applied struct {
	Kubernetes string `json:"kubernetes"`
	Pods       string `json:"pods"`
	Services   string `json:"services"`
	DNS        string `json:"dns,omitempty"` // not kept by the first versions
}

func wished(c *spec.Cluster) applied {
	return applied{c.Kubernetes, c.Network.Pods.String(), c.Network.Services.String(), c.Network.DNS}
}

// guard refuses what would break the cluster as it was applied, or could never work. It looks at the file and
// the state directory only, so nothing is connected to before it has agreed.
func (r *Run) guard() error {
	if err := r.guardRestored(); err != nil {
		return err
	}
	objections := r.guardFamily()
	before, err := r.dir.Nodes()
	if err != nil {
		return err
	}
	var was applied
	if _, err := r.dir.Get(appliedFile, &was); err != nil {
		return err
	}
	skipped, err := r.guardSkipped()
	if err != nil {
		return err
	}
	version, err := r.guardVersion(was.Kubernetes)
	if err != nil {
		return err
	}
	unknown, err := unknownFlags(r.Cluster) // by then it is the version that the cluster goes to
	if err != nil {
		return err
	}
	objections = append(append(append(append(objections, version...), unknown...), skipped...), r.guardNodes(before)...)
	return r.Cluster.Refuse(append(objections, r.guardApplied(was)...)...)
}

func (r *Run) guardFamily() []spec.Objection {
	pods := r.Cluster.Network.Pods
	if !pods.Addr().Is6() {
		return nil
	}
	return []spec.Objection{{At: r.Cluster.Places.Pods, Summary: "IPv6 range of pods",
		Detail: fmt.Sprintf("The pod network is IPv4 only so far, and a cluster is of one family: %s is an IPv6 range. Give nodes, endpoint and ranges IPv4 addresses.", pods)}}
}

// guardApplied refuses other ranges, which objects in the API would not follow, and another domain, which running pods would not.
func (r *Run) guardApplied(was applied) (out []spec.Objection) {
	now, at := wished(r.Cluster), r.Cluster.Places
	for _, v := range []struct {
		what, was, now string
		place          spec.Objection
	}{
		{"network.pods", was.Pods, now.Pods, spec.Objection{At: at.Pods, Summary: "Changed range"}},
		{"network.services", was.Services, now.Services, spec.Objection{At: at.Services, Summary: "Changed range"}},
		{"network.dns", was.DNS, now.DNS, spec.Objection{At: at.DNS, Summary: "Changed domain"}},
	} {
		if v.was != "" && v.was != v.now {
			v.place.Detail = fmt.Sprintf("%s cannot be changed in a running cluster yet: it was applied as %q, and the file says %q. Write what was applied; slipway destroy begins anew.", v.what, v.was, v.now)
			out = append(out, v.place)
		}
	}
	return out
}

// guardAdoption refuses to take over a cluster of another name, whose machines the file names by mistake.
func (r *Run) guardAdoption(node string, files map[string][]byte) error {
	text, ok := files[layout.AdminConf]
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
