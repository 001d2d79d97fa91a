package bootstrap

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/slipway/slipway/components"
	"github.com/slipway/slipway/internal/spec"
)

// markApplied lets the machines of a cluster that others can join by themselves know what it is now, and that a file says so: its
// control planes, endpoint and version may be others than when it was opened for joining.
func (r *Run) markApplied(ctx context.Context) error {
	if r.Here != "" {
		return nil
	}
	return r.openAgain(ctx)
}

// openAgain is markApplied on a machine of the cluster, too: then no file says so from now on.
func (r *Run) openAgain(ctx context.Context) error {
	client, err := r.anyAPI(ctx)
	if err != nil {
		return err
	}
	var whole *spec.Cluster
	err = edit(ctx, client.Typed, func(kept *corev1.ConfigMap) error {
		declared, err := readPast("the cluster", []byte(kept.Data[components.DeclarationKey]), r.Cluster.Kubernetes)
		if err != nil {
			return err
		}
		if whole, err = r.withJoined(ctx, client, declared); err != nil {
			return err
		}
		declareAgain(kept, whole, r.Here == "")
		return nil
	})
	if apierrors.IsNotFound(err) { // it is not open for joining
		return nil
	}
	if err != nil {
		return err
	}
	in := r.input()
	in.Cluster = whole
	objects, err := opening(in, true)
	if err != nil {
		return err
	}
	if err := client.Apply(ctx, objects); err != nil {
		return fmt.Errorf("open the cluster for joining: %w", err)
	}
	return nil
}

// declareAgain makes the declaration in the API say what the cluster is, and whether a file says so.
func declareAgain(kept *corev1.ConfigMap, whole *spec.Cluster, file bool) {
	kept.Data[components.DeclarationKey] = string(spec.Write(whole))
	delete(kept.Data, changeKey) // every machine is as it says
	if !file {
		delete(kept.Annotations, fileAnnotation)
	} else if kept.Annotations[fileAnnotation] == "" {
		metav1.SetMetaDataAnnotation(&kept.ObjectMeta, fileAnnotation, time.Now().UTC().Format(time.DateOnly))
	}
}
