package kube

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Kinds are all kinds that the API server knows, as group/version/kind, sorted.
func (c *Client) Kinds(ctx context.Context) ([]string, error) {
	var out []string
	err := c.resources(ctx, func(gv schema.GroupVersion, r metav1.APIResource) { out = append(out, kindText(gv, r)) })
	slices.Sort(out)
	return slices.Compact(out), err
}

// StoredBeyond are the resources that this API server stores as kinds which are not among those known, but of groups
// that are: an API server that knows only those could not read them. Groups of which it knows nothing it leaves alone.
func (c *Client) StoredBeyond(ctx context.Context, known []string) ([]string, error) {
	hashes, kinds := map[string]bool{}, map[string]bool{}
	for _, k := range known {
		hashes[storageHash(k)] = true
		kinds[withoutVersion(k)] = true
	}
	var out []string
	err := c.resources(ctx, func(gv schema.GroupVersion, r metav1.APIResource) {
		kind := kindText(gv, r)
		if r.StorageVersionHash != "" && kinds[withoutVersion(kind)] && !hashes[r.StorageVersionHash] {
			out = append(out, r.Name+" of "+gv.String())
		}
	})
	slices.Sort(out)
	return slices.Compact(out), err
}

// resources calls do for each resource that the API server itself serves in each of its versions. The discovery of single
// versions is asked, since that of all at once does not tell how resources are stored.
func (c *Client) resources(ctx context.Context, do func(schema.GroupVersion, metav1.APIResource)) error {
	groups, err := c.Typed.Discovery().ServerGroups()
	if err != nil {
		return fmt.Errorf("ask %s what it serves: %w", c.server, err)
	}
	for _, g := range groups.Groups {
		for _, v := range g.Versions {
			if err := ctx.Err(); err != nil {
				return err
			}
			list, err := c.Typed.Discovery().ServerResourcesForGroupVersion(v.GroupVersion)
			if err != nil {
				continue // one that another server answers for, which may be away
			}
			gv, err := schema.ParseGroupVersion(v.GroupVersion)
			if err != nil {
				return err
			}
			for _, r := range list.APIResources {
				if !strings.Contains(r.Name, "/") {
					do(gv, r)
				}
			}
		}
	}
	return nil
}

func kindText(gv schema.GroupVersion, r metav1.APIResource) string {
	return strings.Join([]string{gv.Group, gv.Version, r.Kind}, "/")
}

func withoutVersion(kind string) string {
	parts := strings.SplitN(kind, "/", 3)
	return parts[0] + "/" + parts[len(parts)-1]
}

// storageHash is how discovery tells the kind that a resource is stored as.
// https://github.com/kubernetes/apiserver/blob/v0.36.3/pkg/endpoints/discovery/storageversionhash.go
func storageHash(kind string) string {
	sum := sha256.Sum256([]byte(kind))
	return base64.StdEncoding.EncodeToString(sum[:8])
}
