package proof

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/slipway/slipway/internal/etcd"
)

// pageSize is how many objects are asked for at once.
const pageSize = "500"

// metadataOnly spares the way of all but names: the server has read and decoded each object all the same.
const metadataOnly = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"

// Resources that are listed and not stored, or stored under another name.
var (
	components = schema.GroupResource{Resource: "componentstatuses"}
	newEvents  = schema.GroupResource{Group: "events.k8s.io", Resource: "events"} // the same as those of the core group
	secrets    = schema.GroupResource{Resource: "secrets"}
)

// internals are keys in etcd that are no objects of any resource: the API server's own books.
// https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/registry/core/rest/storage_core.go
var internals = []string{"ranges/", "masterleases/", "peerserverleases/"}

// census reads every object of every resource as it was at the archive's revision, and holds their number to that of the keys.
func (r *run) census(ctx context.Context, a *api, stored etcd.Stored) error {
	resources, err := r.resources(ctx, a)
	if err != nil {
		return err
	}
	for _, s := range resources {
		n, err := r.read(ctx, a, s)
		if err != nil {
			return err
		}
		if n > 0 {
			r.report.Resources = append(r.report.Resources, Count{s.String(), n})
			r.report.Objects += n
			r.progress(r.report.Objects, len(stored.Keys))
		}
	}
	return r.account(stored)
}

// account holds what was read to what is stored.
func (r *run) account(stored etcd.Stored) error {
	own, sealed := 0, 0
	for _, key := range stored.Keys {
		switch {
		case slices.ContainsFunc(internals, func(prefix string) bool { return strings.HasPrefix(key, prefix) }):
			own++
		case strings.HasPrefix(key, "secrets/"):
			sealed++
		}
	}
	read := r.report.Objects
	if r.report.Secrets == nil {
		read += sealed
		r.open("that its %d Secrets can be read: they are encrypted, and the key is among the archive's keys", sealed)
	} else {
		r.report.Secrets.Sealed = stored.Sealed
		if n := r.report.Secrets.Objects; n != sealed {
			return fmt.Errorf("archive %s: %d Secrets are stored, and %d were read", r.Path, sealed, n)
		}
	}
	if over := len(stored.Keys) - own - read; over != 0 {
		r.open("that everything in it can be read: %d keys are stored, of which %d are the API server's own, and %d objects were read", len(stored.Keys), own, read)
	}
	return nil
}

// read counts the objects of one resource. Those of custom ones that a webhook in the cluster would have to convert stay open.
func (r *run) read(ctx context.Context, a *api, s served) (n int, err error) {
	if s.GroupResource == secrets {
		return r.readSecrets(ctx, a)
	}
	var reasons []error
	for _, version := range s.versions {
		path := "/apis/" + s.Group + "/" + version + "/" + s.Resource
		if s.Group == "" {
			path = "/api/" + version + "/" + s.Resource
		}
		n, err = r.pages(ctx, a, path, metadataOnly, func(text []byte) (int, string, error) {
			var page metav1.PartialObjectMetadataList
			err := json.Unmarshal(text, &page)
			return len(page.Items), page.Continue, err
		})
		if err == nil {
			return n, nil
		}
		reasons = append(reasons, err)
	}
	err = fmt.Errorf("archive %s: %s cannot be read: %w", r.Path, s, errors.Join(reasons...))
	if !s.custom || ctx.Err() != nil {
		return 0, err
	}
	r.open("that %s can be read: %v", s, reasons[0])
	return 0, nil
}

// readSecrets reads every Secret whole. Without the keys that is left open.
func (r *run) readSecrets(ctx context.Context, a *api) (int, error) {
	if r.keys == nil {
		return 0, nil
	}
	began := time.Now()
	var found Secrets
	_, err := r.pages(ctx, a, "/api/v1/secrets", "application/json", func(text []byte) (int, string, error) {
		var page corev1.SecretList
		if err := json.Unmarshal(text, &page); err != nil {
			return 0, "", errors.New("its answer is no list of Secrets") // an error of JSON's may quote what it read
		}
		for _, s := range page.Items {
			found.Objects++
			found.Values += len(s.Data)
			for _, v := range s.Data {
				found.Bytes += len(v)
			}
		}
		return len(page.Items), page.Continue, nil
	})
	if err != nil {
		whose := "its key"
		if r.report.Given {
			whose = "this machine's key"
		}
		return 0, fmt.Errorf("archive %s: its Secrets cannot be decrypted with %s: %w", r.Path, whose, err)
	}
	r.report.Secrets = &found
	r.did("decrypt every Secret", fmt.Sprintf("%d Secrets with %d values, %d bytes", found.Objects, found.Values, found.Bytes), began)
	return found.Objects, nil
}

// pages reads a list page by page, as it was at the archive's revision.
func (r *run) pages(ctx context.Context, a *api, path, accept string, decode func([]byte) (n int, next string, err error)) (total int, err error) {
	at := fmt.Sprint(r.report.Manifest.Etcd.Revision)
	for next := ""; ; {
		request := a.disco.RESTClient().Get().AbsPath(path).Param("limit", pageSize).SetHeader("Accept", accept)
		if next == "" {
			request = request.Param("resourceVersion", at).Param("resourceVersionMatch", "Exact")
		} else {
			request = request.Param("continue", next)
		}
		text, err := request.DoRaw(ctx)
		if err != nil {
			return total, err
		}
		n, more, err := decode(text)
		if err != nil {
			return total, fmt.Errorf("%s: %w", path, err)
		}
		total += n
		if next = more; next == "" {
			return total, nil
		}
	}
}
