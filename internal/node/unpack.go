//go:build linux

package node

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	diffapi "github.com/containerd/containerd/api/services/diff/v1"
	imagesapi "github.com/containerd/containerd/api/services/images/v1"
	snapshotsapi "github.com/containerd/containerd/api/services/snapshots/v1"
	"github.com/containerd/containerd/api/types"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
)

// Labels that containerd's own unpacker sets.
// https://github.com/containerd/containerd/blob/v2.4.2/core/unpack/unpacker.go
const (
	targetLabel       = "containerd.io/snapshot.ref" // Prepare says AlreadyExists where this snapshot is there
	diffLabel         = "containerd.io/snapshot/diff-id"
	parentLabel       = "containerd.io/snapshot/parent-chain-id"
	uncompressedLabel = "containerd.io/uncompressed"
)

// layer is one layer to be unpacked on those below it.
type layer struct {
	blob   ocispec.Descriptor
	diff   digest.Digest
	chain  digest.Digest
	parent string // chain of those below; "" for the lowest
}

// unpack makes the layer's snapshot, unless there is one. A snapshot bears its name only once it is complete.
func (c containerd) unpack(ctx context.Context, l layer) (err error) {
	snapshots := snapshotsapi.NewSnapshotsClient(c.conn)
	labels := map[string]string{targetLabel: l.chain.String(), diffLabel: l.diff.String()}
	if l.parent != "" {
		labels[parentLabel] = l.parent
	}
	key := "extract-" + strconv.FormatInt(time.Now().UnixNano(), 10) + " " + l.chain.String()
	prepared, err := snapshots.Prepare(ctx, &snapshotsapi.PrepareSnapshotRequest{Snapshotter: snapshotter, Key: key, Parent: l.parent, Labels: labels})
	if status.Code(err) == codes.AlreadyExists {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_, removeErr := snapshots.Remove(context.WithoutCancel(ctx), &snapshotsapi.RemoveSnapshotRequest{Snapshotter: snapshotter, Key: key})
			err = errors.Join(err, removeErr)
		}
	}()
	applied, err := diffapi.NewDiffClient(c.conn).Apply(ctx, &diffapi.ApplyRequest{Diff: descriptor(l.blob), Mounts: prepared.Mounts})
	if err != nil {
		return err
	}
	if got := applied.Applied.GetDigest(); got != l.diff.String() {
		return fmt.Errorf("layer %s holds %s, expected %s: build the bundle again", l.blob.Digest, got, l.diff)
	}
	_, err = snapshots.Commit(ctx, &snapshotsapi.CommitSnapshotRequest{Snapshotter: snapshotter, Name: l.chain.String(), Key: key, Labels: labels})
	if err != nil {
		return err
	}
	return c.label(ctx, l.blob.Digest.String(), map[string]string{uncompressedLabel: l.diff.String()})
}

// name makes the image known to containerd, and so to the kubelet, now that all of it is there.
func (c containerd) name(ctx context.Context, i contents) error {
	chain := i.chains[len(i.chains)-1].String()
	if err := c.label(ctx, i.manifest.Config.Digest.String(), map[string]string{snapshotLabel + snapshotter: chain}); err != nil {
		return err
	}
	images := imagesapi.NewImagesClient(c.conn)
	record := &imagesapi.Image{Name: i.Ref, Labels: map[string]string{pinnedLabel: pinnedValue}, Target: &types.Descriptor{
		MediaType: i.manifest.MediaType, Digest: i.Manifest.Digest, Size: i.Manifest.Size}}
	_, err := images.Create(ctx, &imagesapi.CreateImageRequest{Image: record})
	if status.Code(err) == codes.AlreadyExists {
		_, err = images.Update(ctx, &imagesapi.UpdateImageRequest{Image: record,
			UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"target", "labels." + pinnedLabel}}})
	}
	if err != nil {
		return fmt.Errorf("name image %s: %w", i.Ref, err)
	}
	return nil
}

func descriptor(d ocispec.Descriptor) *types.Descriptor {
	return &types.Descriptor{MediaType: d.MediaType, Digest: d.Digest.String(), Size: d.Size}
}

// syncContent makes the names of linked blobs last.
func (m Machine) syncContent() error {
	dir, err := os.Open(m.contentPath(""))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
