package bootstrap

import (
	"context"
	"fmt"
	"slices"

	"github.com/slipway/slipway/internal/kube"
)

// Upgraded is how far a change of version by hand has come.
type Upgraded struct {
	Version       string   `json:"version"`
	Changed       bool     `json:"changed"`  // this machine, by this run
	Finished      bool     `json:"finished"` // nothing is left to do anywhere
	ControlPlanes []string `json:"controlPlanes,omitempty"`
	Workers       []string `json:"workers,omitempty"` // those that are still to be changed, as far as this machine can tell
	Cordoned      bool     `json:"cordoned,omitempty"`
}

// levels are the versions that the API servers of the control planes are of, by node; why one does not answer stands in its place.
func (r *Run) levels(ctx context.Context) (at map[string]string, silent map[string]error) {
	at, silent = map[string]string{}, map[string]error{}
	for _, m := range r.controlPlanes() {
		client, err := r.api(m)
		if err == nil {
			at[m.node.Name], err = client.Version(ctx)
		}
		if err != nil {
			silent[m.node.Name] = err
		}
	}
	return at, silent
}

// behind tells which machines are not at a version, by what their API servers and kubelets say.
func (r *Run) behind(ctx context.Context, client *kube.Client, version string) (u Upgraded, err error) {
	u.Version = version
	at, _ := r.levels(ctx)
	kubelets, err := client.KubeletVersions(ctx)
	if err != nil {
		return u, err
	}
	for _, m := range r.controlPlanes() {
		_, there := kubelets[m.node.Name]
		if at[m.node.Name] != u.Version || there && kubelets[m.node.Name] != u.Version {
			u.ControlPlanes = append(u.ControlPlanes, m.node.Name)
		}
		delete(kubelets, m.node.Name)
	}
	for name, v := range kubelets {
		if v != u.Version {
			u.Workers = append(u.Workers, name)
		}
	}
	slices.Sort(u.ControlPlanes)
	slices.Sort(u.Workers)
	return u, nil
}

// guardLevel: a change begins when the one before it has ended everywhere.
func (r *Run) guardLevel(ctx context.Context, client *kube.Client, refuse func(name, what, remedy string)) error {
	u, err := r.behind(ctx, client, r.rollout.From)
	if err != nil {
		return err
	}
	for _, name := range append(u.ControlPlanes, u.Workers...) {
		refuse(name, fmt.Sprintf("it does not run Kubernetes %s, which the cluster is of", r.rollout.From),
			"slipway upgrade node on it, with the bundle of that version; or take it out: slipway reset")
	}
	return nil
}
