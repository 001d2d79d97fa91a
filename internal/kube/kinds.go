package kube

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Forms are what an API server can read of what is stored: kinds that it serves, and forms that it stores itself, which
// may be older than any that it serves.
type Forms struct {
	Kinds  []string `json:"kinds"`  // group/version/kind, sorted
	Hashes []string `json:"hashes"` // as discovery tells the forms that resources are stored in, sorted
}

// Forms are those of this API server.
func (c *Client) Forms(ctx context.Context) (Forms, error) {
	var f Forms
	err := c.resources(ctx, func(gv schema.GroupVersion, r metav1.APIResource) {
		f.Kinds = append(f.Kinds, kindText(gv, r))
		if r.StorageVersionHash != "" {
			f.Hashes = append(f.Hashes, r.StorageVersionHash)
		}
	})
	slices.Sort(f.Kinds)
	slices.Sort(f.Hashes)
	f.Kinds, f.Hashes = slices.Compact(f.Kinds), slices.Compact(f.Hashes)
	return f, err
}

// StoredBeyond are the resources that this API server stores in a form that one with the forms f could not read. Kinds of which
// that one knows nothing in any version it leaves alone.
func (c *Client) StoredBeyond(ctx context.Context, f Forms) ([]string, error) {
	var out []string
	err := c.resources(ctx, func(gv schema.GroupVersion, r metav1.APIResource) {
		if !f.reads(kindText(gv, r), r.StorageVersionHash) {
			out = append(out, r.Name+" of "+gv.String())
		}
	})
	slices.Sort(out)
	return slices.Compact(out), err
}

// reads reports whether what is stored by that hash as some version of the kind can be read, or does not matter.
func (f Forms) reads(kind, hash string) bool {
	if hash == "" || slices.Contains(f.Hashes, hash) {
		return true
	}
	known := false
	for _, k := range f.Kinds {
		if withoutVersion(k) == withoutVersion(kind) {
			known = true
			if storageHash(k) == hash {
				return true
			}
		}
	}
	return !known
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
			if apierrors.IsServiceUnavailable(err) {
				continue // one that another server answers for, which is away
			}
			if err != nil {
				return fmt.Errorf("ask %s for %s: %w", c.server, v.GroupVersion, err)
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
