package kube

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"
	"sigs.k8s.io/yaml"
)

// Change is one object that the API holds otherwise than it should.
type Change struct {
	ID            string // "DaemonSet kube-system/kube-proxy"
	Create        bool
	Before, After string // YAML
}

// ID names an object for people.
func ID(o *unstructured.Unstructured) string {
	if o.GetNamespace() == "" {
		return o.GetKind() + " " + o.GetName()
	}
	return o.GetKind() + " " + o.GetNamespace() + "/" + o.GetName()
}

// Diff asks the server, by a dry run, what applying objects would change. Nothing is changed.
func (c *Client) Diff(ctx context.Context, objects []*unstructured.Unstructured) ([]Change, error) {
	found := make([]*Change, len(objects))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(16)
	for i, o := range objects {
		g.Go(func() (err error) {
			found[i], err = c.diff(ctx, o)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	var out []Change
	for _, change := range found {
		if change != nil {
			out = append(out, *change)
		}
	}
	return out, nil
}

func (c *Client) diff(ctx context.Context, o *unstructured.Unstructured) (*Change, error) {
	live, err := c.resource(o).Get(ctx, o.GetName(), metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		after, err := yaml.Marshal(o.Object)
		return &Change{ID: ID(o), Create: true, After: string(after)}, err
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", ID(o), err)
	}
	would, err := c.wouldBe(ctx, live, o)
	if err != nil {
		return nil, err
	}
	strip(live)
	strip(would)
	if equality.Semantic.DeepEqual(live.Object, would.Object) {
		return nil, nil
	}
	before, err := yaml.Marshal(live.Object)
	if err != nil {
		return nil, err
	}
	after, err := yaml.Marshal(would.Object)
	return &Change{ID: ID(o), Before: string(before), After: string(after)}, err
}

// wouldBe is what live becomes. One that others made is claimed first, which no dry run can show together with applying.
func (c *Client) wouldBe(ctx context.Context, live, o *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	if !foreign(live) {
		return c.apply(ctx, o, metav1.DryRunAll)
	}
	would, err := c.resource(o).Update(ctx, replacement(live, o), metav1.UpdateOptions{FieldManager: FieldManager, DryRun: []string{metav1.DryRunAll}})
	if err != nil {
		return nil, fmt.Errorf("%s, which others made, cannot become Slipway's: %w", ID(o), err)
	}
	return would, nil
}

// strip removes what the server keeps for itself and every write changes.
func strip(o *unstructured.Unstructured) {
	unstructured.RemoveNestedField(o.Object, "metadata", "managedFields")
	unstructured.RemoveNestedField(o.Object, "metadata", "resourceVersion")
	unstructured.RemoveNestedField(o.Object, "metadata", "generation")
	unstructured.RemoveNestedField(o.Object, "status")
}

// Apply makes the API hold objects, in parallel. Idempotent. The server retries nothing, so a caller
// that must outlast a server coming up calls again.
func (c *Client) Apply(ctx context.Context, objects []*unstructured.Unstructured) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(16)
	for _, o := range objects {
		g.Go(func() error {
			_, err := c.apply(ctx, o)
			return err
		})
	}
	return g.Wait()
}

func (c *Client) apply(ctx context.Context, o *unstructured.Unstructured, dryRun ...string) (*unstructured.Unstructured, error) {
	got, err := c.resource(o).Apply(ctx, o.GetName(), o, metav1.ApplyOptions{FieldManager: FieldManager, Force: true, DryRun: dryRun})
	if err != nil {
		return nil, fmt.Errorf("apply %s: %w", ID(o), err)
	}
	return got, nil
}

// resource finds the endpoint of o's kind. All kinds are ones that we wrote, with regular plurals.
func (c *Client) resource(o *unstructured.Unstructured) dynamic.ResourceInterface {
	plural, _ := meta.UnsafeGuessKindToResource(o.GroupVersionKind())
	r := c.dynamic.Resource(plural)
	if ns := o.GetNamespace(); ns != "" {
		return r.Namespace(ns)
	}
	return r
}
