//go:build linux

package node

import (
	"context"
	"fmt"
	"strings"
	"time"

	contentapi "github.com/containerd/containerd/api/services/content/v1"
	imagesapi "github.com/containerd/containerd/api/services/images/v1"
	snapshotsapi "github.com/containerd/containerd/api/services/snapshots/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

const (
	containerdSocket    = "/run/containerd/containerd.sock"
	containerdNamespace = "k8s.io" // the kubelet's
	// pinned keeps the kubelet's garbage collection away from images that cannot be pulled again.
	// https://github.com/containerd/containerd/blob/v2.4.2/internal/cri/labels/labels.go
	pinnedLabel, pinnedValue = "io.cri-containerd.pinned", "pinned"
	// snapshotLabel, with the snapshotter's name after it, links an image's configuration to its
	// unpacked layers. https://github.com/containerd/containerd/blob/v2.4.2/docs/garbage-collection.md
	snapshotLabel = "containerd.io/gc.ref.snapshot."
	snapshotter   = "overlayfs" // CRI's, as in the configuration that we write
)

// containerd is the machine's containerd over its own API.
type containerd struct{ conn *grpc.ClientConn }

// dialContainerd does not connect yet: the first call does, and is Unavailable if nobody answers.
func (m Machine) dialContainerd() (containerd, error) {
	conn, err := grpc.NewClient("unix://"+m.path(containerdSocket), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return containerd{}, fmt.Errorf("containerd: %w", err)
	}
	return containerd{conn}, nil
}

func (c containerd) close() { _ = c.conn.Close() }

// scope is ctx for calls in the kubelet's namespace.
func (c containerd) scope(ctx context.Context) context.Context {
	return metadata.AppendToOutgoingContext(ctx, "containerd-namespace", containerdNamespace)
}

// call is a context for one short exchange in the kubelet's namespace.
func (c containerd) call(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(c.scope(ctx), 10*time.Second)
}

// image is what containerd knows of one image.
type image struct {
	digest string
	pinned bool
}

// images lists all images by reference. down means that containerd does not run.
func (c containerd) images(ctx context.Context) (list map[string]image, down bool, err error) {
	ctx, cancel := c.call(ctx)
	defer cancel()
	answer, err := imagesapi.NewImagesClient(c.conn).List(ctx, &imagesapi.ListImagesRequest{})
	if status.Code(err) == codes.Unavailable {
		return nil, true, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("ask containerd for its images: %w", err)
	}
	list = map[string]image{}
	for _, i := range answer.Images {
		list[i.Name] = image{digest: i.Target.GetDigest(), pinned: i.Labels[pinnedLabel] == pinnedValue}
	}
	return list, false, nil
}

// unpacked reports whether the layers of the image with this configuration lie ready to run.
func (c containerd) unpacked(ctx context.Context, config string) (bool, error) {
	ctx, cancel := c.call(ctx)
	defer cancel()
	answer, err := contentapi.NewContentClient(c.conn).Info(ctx, &contentapi.InfoRequest{Digest: config})
	if status.Code(err) == codes.NotFound {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("ask containerd for %s: %w", config, err)
	}
	for label, chain := range answer.Info.GetLabels() {
		name, ok := strings.CutPrefix(label, snapshotLabel)
		if !ok {
			continue
		}
		_, err := snapshotsapi.NewSnapshotsClient(c.conn).Stat(ctx, &snapshotsapi.StatSnapshotRequest{Snapshotter: name, Key: chain})
		if status.Code(err) != codes.NotFound {
			return err == nil, err
		}
	}
	return false, nil
}

// remove forgets an image; what nothing else uses of it goes too.
func (c containerd) remove(ctx context.Context, ref string) error {
	ctx, cancel := c.call(ctx)
	defer cancel()
	_, err := imagesapi.NewImagesClient(c.conn).Delete(ctx, &imagesapi.DeleteImageRequest{Name: ref})
	if status.Code(err) == codes.NotFound {
		return nil
	}
	return err
}
