package bootstrap

import (
	"context"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/slipway/slipway/internal/kube"
	"github.com/slipway/slipway/internal/preflight"
	"github.com/slipway/slipway/internal/spec"
)

// A cluster that is made by hand is restored as it was begun: on one machine, which then is its only control plane. The others cannot be
// asked or stopped from here; they join anew.

// judgeHere is judgeFormer where no other machine can be asked.
func (r *Run) judgeHere(ctx context.Context, m *machine, confirmed bool) error {
	if port := r.lives(ctx, m, confirmed); port != 0 {
		return &UnfitError{preflight.Finding{Node: m.node.Name, What: fmt.Sprintf("it takes connections at %s, port %d", m.node.Address, port),
			Remedy: "it may be the cluster: where it serves, nothing need be restored, and two clusters must not run side by side. Else switch it off, or slipway reset on it"}}
	}
	if !confirmed {
		return &UnfitError{preflight.Finding{Node: m.node.Name, What: fmt.Sprintf("it was a control plane at %s, and whether it is dead or only out of reach cannot be told from here", m.node.Address),
			Remedy: "see to it that it stays off, or was taken off by slipway reset, and say so: --gone " + m.node.Name}}
	}
	return nil
}

// guardFromFile refuses a cluster that answers and that a file elsewhere looks after.
func (r *Run) guardFromFile(ctx context.Context, client *kube.Client) error {
	kept, err := declarationMap(ctx, client.Typed)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if since, applied := kept.Annotations[fileAnnotation]; applied {
		return &RestoreError{"slipway apply looks after this cluster from a file, since " + since, "restore with that file: slipway restore -f FILE ARCHIVE"}
	}
	return nil
}

// keepHere keeps what this machine is from now on. One that was in no cluster is part of it from the first step on; one that was is so from when
// the journal knows the others.
func (r *Run) keepHere(journal bool) error {
	if r.Here == "" || !journal && exists(ownFile) {
		return nil
	}
	return r.keepDeclaration()
}

// restoreRemedy is what goes on with a restore that stands half way.
func (r *Run) restoreRemedy(j *restoration) string {
	if r.Here == "" {
		return fmt.Sprintf("slipway restore -f %s %s finishes it", r.Cluster.File, j.File)
	}
	command := "slipway restore " + j.File
	if j.Kubernetes != r.Cluster.Kubernetes {
		command += " --kubernetes " + j.Kubernetes
	}
	if len(j.Former) > 0 {
		var names []string
		for _, w := range j.Former {
			names = append(names, w.Name)
		}
		command += " --gone " + strings.Join(names, ",")
	}
	return command + " finishes it"
}

// archivedPlanes are the control planes that the archive knows: those that etcd had, and those that are declared.
func (r *Run) archivedPlanes() ([]spec.Node, error) {
	archived, err := r.restore.source.cluster(r.Cluster.Kubernetes)
	if err != nil || archived == nil {
		return r.restore.source.members, err
	}
	return slices.Concat(r.restore.source.members, archived.ControlPlanes()), nil
}

// wasHere reports whether a control plane of that name is this very machine, or was at its address.
func (r *Run) wasHere(name string) (bool, error) {
	if r.declares(name) {
		return true, nil
	}
	archived, err := r.archivedPlanes()
	self := r.Cluster.Nodes[0].Address
	return slices.ContainsFunc(archived, func(n spec.Node) bool { return n.Name == name && n.Address == self }), err
}
