package bootstrap

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/slipway/slipway/components"
	"github.com/slipway/slipway/internal/kube"
	"github.com/slipway/slipway/internal/spec"
	"github.com/slipway/slipway/internal/status"
)

// change is a change of version that is made by hand, machine by machine. The cluster itself keeps it, beside its declaration, from
// before the first machine is changed until all of them are, so that each knows where to go.
type change struct {
	From     string    `json:"from"`
	To       string    `json:"to"`
	By       string    `json:"by"` // the control plane that began it
	Begun    time.Time `json:"begun"`
	Snapshot string    `json:"snapshot,omitempty"` // of etcd before it, on By
}

const (
	changeKey = "upgrade.json" // beside the declaration
	// fileAnnotation marks a cluster that slipway apply looks after: what its machines are stands in a file elsewhere.
	fileAnnotation = "slipway.dev/applied-from-a-file"
)

// UpgradeError is a change of version by hand that is asked for in the wrong order, or where it cannot be.
type UpgradeError struct{ what, remedy string }

func (e *UpgradeError) Error() string { return e.what }

// Remedy is the way on.
func (e *UpgradeError) Remedy() string { return e.remedy }

func (c *change) String() string {
	return fmt.Sprintf("a change from %s to %s stands half way, begun on %s", c.From, c.To, c.By)
}

// readChange is the change that stands half way; nil where none does.
func readChange(kept *corev1.ConfigMap) (*change, error) {
	text, there := kept.Data[changeKey]
	if !there {
		return nil, nil
	}
	c := new(change)
	if err := json.Unmarshal([]byte(text), c); err != nil {
		return nil, fmt.Errorf("ConfigMap %s: %s: %w", components.DeclarationName, changeKey, err)
	}
	return c, nil
}

// stands takes over from the API what the cluster is declared to be, and whether its version is being changed.
func (r *Run) stands(ctx context.Context, client kubernetes.Interface) error {
	kept, err := declarationMap(ctx, client)
	if apierrors.IsNotFound(err) { // no machine ever joined
		return nil
	}
	if err != nil {
		return err
	}
	if since, applied := kept.Annotations[fileAnnotation]; applied {
		return &UpgradeError{"slipway apply looks after this cluster from a file, since " + since,
			`write kubernetes = "…" into that file and apply it: slipway plan -f FILE shows what it does`}
	}
	c, err := readNamed("ConfigMap "+metav1.NamespaceSystem+"/"+components.DeclarationName, []byte(kept.Data[components.DeclarationKey]), r.Cluster.Bundle)
	if err != nil {
		return err
	}
	if r.change, err = readChange(kept); err != nil {
		return err
	}
	c.StateDir, c.File = r.Cluster.StateDir, r.Cluster.File
	r.Cluster, r.opened = c, true
	return nil
}

// statusChange tells of a change by hand that stands half way.
func (r *Run) statusChange(s *status.Status) {
	if r.change != nil {
		s.Problems = append(s.Problems, status.Problem{What: r.change.String(), Remedy: "slipway upgrade plan shows what is left of it"})
	}
}

// declare makes the change the cluster's, before the first machine is changed. Done again, it changes nothing.
func (r *Run) declare(ctx context.Context, client *kube.Client) error {
	if !r.opened {
		return nil
	}
	j := r.rollout
	return revise(ctx, client.Typed, func(c *spec.Cluster, kept *corev1.ConfigMap) error {
		switch other, err := readChange(kept); {
		case err != nil:
			return err
		case other != nil && other.To == j.To && other.By == r.Here:
			return nil
		case other != nil:
			return &UpgradeError{other.String() + ", since this run began", "slipway upgrade plan shows what is left of it"}
		case c.Kubernetes != j.From:
			return &UpgradeError{fmt.Sprintf("the cluster is of %s by now, not %s", c.Kubernetes, j.From), "slipway upgrade plan shows what is possible"}
		}
		text, err := json.Marshal(change{From: j.From, To: j.To, By: r.Here, Begun: j.Begun, Snapshot: j.Snapshot})
		if err != nil {
			return err
		}
		c.Kubernetes = j.To
		kept.Data[changeKey] = string(text)
		return nil
	})
}

// closeChange takes the change out of the cluster: it is finished, or, where version is that of before, never was.
func (r *Run) closeChange(ctx context.Context, client *kube.Client, version string) error {
	if !r.opened {
		return nil
	}
	return revise(ctx, client.Typed, func(c *spec.Cluster, kept *corev1.ConfigMap) error {
		c.Kubernetes = version
		delete(kept.Data, changeKey)
		return nil
	})
}

// halfWay refuses to go on with a cluster whose version is being changed by hand.
func halfWay(ctx context.Context, client *kube.Client) error {
	kept, err := declarationMap(ctx, client.Typed)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	c, err := readChange(kept)
	if c == nil || err != nil {
		return err
	}
	return &UpgradeError{c.String() + ": no one version describes the cluster", "finish it first: slipway upgrade plan, on a control plane, shows what is left of it"}
}

// mayJoin refuses to join a cluster half way between versions: the machine would be newer than control planes that there are.
func mayJoin(ctx context.Context, client kubernetes.Interface, c *spec.Cluster, self string) error {
	var behind []string
	for _, n := range c.ControlPlanes() {
		live, err := client.CoreV1().Nodes().Get(ctx, n.Name, metav1.GetOptions{})
		if n.Name == self || apierrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			return fmt.Errorf("ask for the version of %s: %w", n.Name, err)
		}
		if older(live.Status.NodeInfo.KubeletVersion, c.Kubernetes) {
			behind = append(behind, n.Name)
		}
	}
	if len(behind) == 0 {
		return nil
	}
	slices.Sort(behind)
	return unfit(self, fmt.Sprintf("the cluster is on its way to Kubernetes %s, and of its control planes %s are not there yet", c.Kubernetes, list(behind)),
		"slipway upgrade node on those first; then join, with the bundle of "+c.Kubernetes)
}
