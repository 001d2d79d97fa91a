package kube

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/util/csaupgrade"
)

// Foreign lists, as they are, those of objects that are there and were made by others than Slipway.
func (c *Client) Foreign(ctx context.Context, objects []*unstructured.Unstructured) ([]*unstructured.Unstructured, error) {
	var out []*unstructured.Unstructured
	var lock sync.Mutex
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(16)
	for _, o := range objects {
		g.Go(func() error {
			live, err := c.resource(o).Get(ctx, o.GetName(), metav1.GetOptions{})
			if apierrors.IsNotFound(err) || err == nil && !foreign(live) {
				return nil
			}
			if err != nil {
				return fmt.Errorf("read %s: %w", ID(o), err)
			}
			lock.Lock()
			defer lock.Unlock()
			out = append(out, live)
			return nil
		})
	}
	return out, g.Wait()
}

// foreign reports whether Slipway has never applied the object.
func foreign(live *unstructured.Unstructured) bool {
	for _, m := range live.GetManagedFields() {
		if m.Manager == FieldManager && m.Operation == metav1.ManagedFieldsOperationApply {
			return false
		}
	}
	return true
}

// Claim makes Slipway the owner of whatever others have set in those objects that they made, so that applying
// them leaves nothing of it that Slipway does not want. What controllers keep there stays theirs. The objects themselves stay.
func (c *Client) Claim(ctx context.Context, objects []*unstructured.Unstructured) error {
	live, err := c.Foreign(ctx, objects)
	if err != nil {
		return err
	}
	for _, o := range live {
		patch, err := csaupgrade.UpgradeManagedFieldsPatch(o, owners(o), FieldManager)
		if err != nil || len(patch) == 0 {
			return err
		}
		if _, err := c.resource(o).Patch(ctx, o.GetName(), types.JSONPatchType, patch, metav1.PatchOptions{FieldManager: FieldManager}); err != nil {
			return fmt.Errorf("take over %s: %w", ID(o), err)
		}
	}
	return nil
}

// owners are those who wrote the object, less its status, and less controllers.
func owners(o *unstructured.Unstructured) sets.Set[string] {
	out := sets.New[string]()
	for _, m := range o.GetManagedFields() {
		if m.Subresource == "" && m.Operation == metav1.ManagedFieldsOperationUpdate && m.Manager != "kube-controller-manager" {
			out.Insert(m.Manager)
		}
	}
	return out
}

// replacement is what live becomes when it is claimed and o applied: o, and what controllers keep there.
func replacement(live, o *unstructured.Unstructured) *unstructured.Unstructured {
	out := o.DeepCopy()
	out.SetResourceVersion(live.GetResourceVersion())
	annotations := out.GetAnnotations()
	for key, value := range live.GetAnnotations() {
		if strings.HasPrefix(key, "deployment.kubernetes.io/") || strings.HasPrefix(key, "deprecated.daemonset.") {
			if annotations == nil {
				annotations = map[string]string{}
			}
			annotations[key] = value
		}
	}
	out.SetAnnotations(annotations)
	return out
}
