package kube

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// LeasesRenewed is nil when each of the nodes' kubelets, the controller-manager and the scheduler have written their Leases after the
// revision. Revisions are no clock's: a Lease that came with old data has an old one, whatever time it says.
func (c *Client) LeasesRenewed(ctx context.Context, nodes []string, after int64) error {
	late := map[string]bool{}
	for _, place := range []struct {
		namespace string
		names     []string
	}{
		{"kube-node-lease", nodes},
		{metav1.NamespaceSystem, []string{"kube-controller-manager", "kube-scheduler"}},
	} {
		list, err := c.Typed.CoordinationV1().Leases(place.namespace).List(ctx, metav1.ListOptions{})
		if err != nil {
			return fmt.Errorf("list leases in %s: %w", place.namespace, err)
		}
		renewed := map[string]bool{}
		for _, l := range list.Items {
			at, err := strconv.ParseInt(l.ResourceVersion, 10, 64)
			if err != nil {
				return fmt.Errorf("lease %s/%s: %w", l.Namespace, l.Name, err)
			}
			renewed[l.Name] = at > after
		}
		for _, name := range place.names {
			if !renewed[name] {
				late[name] = true
			}
		}
	}
	if len(late) == 0 {
		return nil
	}
	var names []string
	for name := range late {
		names = append(names, name)
	}
	slices.Sort(names)
	return fmt.Errorf("not renewed since: %s", few(names))
}
