package load

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/slipway/slipway/internal/drill"
)

// thing is one object as far as it is compared. Of what a Secret holds there is only a hash.
type thing struct {
	uid     string
	version string
	content [sha256.Size]byte
	writer  string    // who wrote it last
	written time.Time // and when
	byName  bool      // only that it is there is compared
}

// Inventory is what a cluster holds of users' things, by "Kind namespace/name".
type Inventory map[string]thing

// Take lists all ConfigMaps, Secrets and Deployments but the drill's own. Of those that owned names, and of those that
// Kubernetes itself keeps up to date, it will only be compared that they are there.
func Take(ctx context.Context, client kubernetes.Interface, owned map[string]bool) (Inventory, error) {
	out := Inventory{}
	add := func(kind string, m metav1.ObjectMeta, content any) error {
		if m.Namespace == Namespace {
			return nil
		}
		text, err := json.Marshal(content)
		if err != nil {
			return err
		}
		id := kind + " " + m.Namespace + "/" + m.Name
		t := thing{uid: string(m.UID), version: m.ResourceVersion, content: sha256.Sum256(text), byName: owned[id] || keptUp(id)}
		t.writer, t.written = lastWriter(m)
		out[id] = t
		return nil
	}
	configs, err := client.CoreV1().ConfigMaps("").List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("list ConfigMaps: %w", err)
	}
	for _, o := range configs.Items {
		if err := add("ConfigMap", o.ObjectMeta, []any{o.Data, o.BinaryData}); err != nil {
			return nil, err
		}
	}
	secrets, err := client.CoreV1().Secrets("").List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("list Secrets: %w", err)
	}
	for _, o := range secrets.Items {
		if o.Type == corev1.SecretTypeBootstrapToken {
			continue // it goes by itself when its time is up
		}
		if err := add("Secret", o.ObjectMeta, []any{o.Type, o.Data}); err != nil {
			return nil, err
		}
	}
	deployments, err := client.AppsV1().Deployments("").List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("list Deployments: %w", err)
	}
	for _, o := range deployments.Items {
		// Its generation changes with each change of what is wanted, and not when a new version adds fields of its own.
		if err := add("Deployment", o.ObjectMeta, o.Generation); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// keptUp reports whether API servers write the object by themselves when they start.
func keptUp(id string) bool {
	return id == "ConfigMap kube-system/extension-apiserver-authentication" || id == "ConfigMap kube-system/kube-apiserver-legacy-service-account-token-tracking"
}

// lastWriter is who wrote the object last, but for its status.
func lastWriter(m metav1.ObjectMeta) (who string, when time.Time) {
	for _, f := range m.ManagedFields {
		if f.Time != nil && f.Subresource == "" && !f.Time.Time.Before(when) {
			who, when = f.Manager, f.Time.Time
		}
	}
	return who, when
}

// Compare tells what of before is no longer as it was.
func (before Inventory) Compare(after Inventory) drill.Objects {
	var out drill.Objects
	for _, id := range slices.Sorted(maps.Keys(before)) {
		was := before[id]
		is, there := after[id]
		out.Compared++
		switch {
		case !there:
			out.Lost = append(out.Lost, id+": gone")
		case was.byName:
			if was.version != is.version {
				out.ByDesign++
			}
		case was.uid != is.uid:
			out.Lost = append(out.Lost, id+": another object has its name, with uid "+is.uid)
		case was.content == is.content:
		case is.written.After(was.written) || is.writer != was.writer:
			out.Others = append(out.Others, fmt.Sprintf("%s, by %s", id, is.writer))
		default:
			out.Changed = append(out.Changed, id+": holds something else, and nobody wrote it")
		}
	}
	return out
}
