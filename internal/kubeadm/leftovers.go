package kubeadm

import (
	"context"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/slipway/slipway/internal/kube"
)

// Leftover is an object of the cluster before that must not stay beside Slipway's.
type Leftover struct {
	Kind, Namespace, Name string
	object                *unstructured.Unstructured
}

// ID names the object for people.
func (l Leftover) ID() string { return l.Kind + " " + l.Namespace + "/" + l.Name }

// LeftoverList is several of them.
type LeftoverList []Leftover

// Objects are they themselves, as they are.
func (l LeftoverList) Objects() (out []*unstructured.Unstructured) {
	for _, one := range l {
		out = append(out, one.object)
	}
	return out
}

// Leftovers finds them: flannel's agent, of which there can be one on a machine, and the ConfigMap by which kubeadm would know
// the cluster and write over Slipway's files. All else stays.
func Leftovers(ctx context.Context, client *kube.Client) (LeftoverList, error) {
	var out LeftoverList
	daemons, err := client.Typed.AppsV1().DaemonSets("").List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("list DaemonSets: %w", err)
	}
	if d := Flannel(daemons.Items); d != nil {
		object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(d)
		if err != nil {
			return nil, err
		}
		out = append(out, leftover("apps/v1", "DaemonSet", d.Namespace, d.Name, object))
	}
	m, err := client.Typed.CoreV1().ConfigMaps(metav1.NamespaceSystem).Get(ctx, ConfigName, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return out, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read ConfigMap %s: %w", ConfigName, err)
	}
	object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(m)
	if err != nil {
		return nil, err
	}
	return append(out, leftover("v1", "ConfigMap", m.Namespace, m.Name, object)), nil
}

func leftover(version, kind, namespace, name string, object map[string]any) Leftover {
	u := &unstructured.Unstructured{Object: object}
	u.SetAPIVersion(version)
	u.SetKind(kind)
	return Leftover{kind, namespace, name, u}
}

// RefusedError is a cluster that Slipway cannot follow, with every reason.
type RefusedError struct{ findings []Finding }

func (e *RefusedError) Error() string {
	var out []string
	for _, f := range e.findings {
		out = append(out, f.What+" ("+f.Remedy+")")
	}
	return "the cluster cannot be taken over as it is:\n- " + strings.Join(out, "\n- ")
}

// Refused is a *RefusedError if any of findings is a refusal.
func Refused(findings []Finding) error {
	var refused []Finding
	for _, f := range findings {
		if f.Refused {
			refused = append(refused, f)
		}
	}
	if len(refused) == 0 {
		return nil
	}
	return &RefusedError{refused}
}
