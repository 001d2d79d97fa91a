package bootstrap

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/version"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/slipway/slipway/internal/kube"
	"github.com/slipway/slipway/internal/layout"
	"github.com/slipway/slipway/internal/spec"
)

const (
	// What is sent lies there as it was sent and unpacked, beside what runs, until the node has come through.
	unpackedTimes = 4
	mib           = 1 << 20
	// A rollout with all its waiting may take hours on a large cluster.
	certificateRoom = 24 * time.Hour
)

// guardCertificates: an expired authority signs nothing, and a certificate that ends on the way stops its component.
func (r *Run) guardCertificates(_ context.Context, _ *kube.Client, refuse func(name, what, remedy string)) error {
	for _, e := range r.certs.Expiries() {
		if left := time.Until(e.NotAfter); left < certificateRoom {
			refuse(e.Node, fmt.Sprintf("its certificate %s ends at %s", e.Name, e.NotAfter.Format(time.DateTime)), "apply with the version that runs, which renews it")
		}
	}
	return nil
}

// guardDisk: a node holds two versions until it has come through.
func (r *Run) guardDisk(_ context.Context, _ *kube.Client, refuse func(name, what, remedy string)) error {
	for _, m := range r.machines {
		seen := map[string]bool{}
		var need int64
		for _, c := range m.changes {
			for _, b := range c.Blobs {
				if !seen[b.Digest] {
					seen[b.Digest] = true
					need += b.Size * unpackedTimes
				}
			}
		}
		for _, path := range []string{"/", layout.Containerd} {
			if free, known := m.facts.DiskFree[path]; known && need > 0 && free < need {
				refuse(m.node.Name, fmt.Sprintf("%d MiB free below %s, and %d MiB are needed for two versions", free/mib, path, need/mib), "free some space, or grow the file system")
			}
		}
	}
	return nil
}

// guardStored: what etcd holds in a form that API servers of the new version do not know would be lost to them. The forms
// that this program knows are those of the newest version.
func (r *Run) guardStored(ctx context.Context, _ *kube.Client, refuse func(name, what, remedy string)) error {
	if !newestMinor(r.rollout.To) {
		return nil
	}
	client, err := r.memberOf(r.controlPlanes()[0])
	if err != nil {
		return err
	}
	defer client.Close()
	stored, err := client.StoredKinds(ctx)
	if err != nil {
		return err
	}
	for _, kind := range slices.SortedFunc(maps.Keys(stored), func(a, b schema.GroupVersionKind) int { return strings.Compare(a.String(), b.String()) }) {
		if scheme.Scheme.IsGroupRegistered(kind.Group) && !scheme.Scheme.Recognizes(kind) {
			refuse("", fmt.Sprintf("etcd holds %d objects as %s %s, which Kubernetes %s does not know any more", stored[kind], kind.GroupVersion(), kind.Kind, r.rollout.To),
				"write them anew with the version that runs, such as with kubectl get --all-namespaces -o json | kubectl replace -f -")
		}
	}
	return nil
}

// newestMinor reports whether a version is of the newest minor version that Slipway installs.
func newestMinor(of string) bool {
	all := spec.SupportedKubernetes()
	return version.MustParseSemantic(of).Minor() == version.MustParseSemantic(all[len(all)-1]).Minor()
}
