//go:build linux

package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	contentapi "github.com/containerd/containerd/api/services/content/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/slipway/slipway/internal/blob"
	"github.com/slipway/slipway/internal/layout"
)

// contentDir is containerd's content store.
const contentDir = layout.Containerd + "/io.containerd.content.v1.content"

// contentPath is where containerd keeps the blob.
func (m Machine) contentPath(digest string) string {
	return m.path(contentDir, "blobs/sha256", strings.TrimPrefix(digest, "sha256:"))
}

// stored reports whether containerd's own store, looked at from outside, holds the blob.
func (m Machine) stored(digest string) bool {
	_, err := os.Stat(m.contentPath(digest))
	return err == nil
}

// linkBlob gives the blob's file a second name in containerd's content store, where adopt will find it. Its bytes are
// checked on the way, and are on disk when linkBlob returns: containerd asks neither of a file that it finds.
// Where there can be no link from one to the other, linkBlob does nothing, and adopt sends the bytes.
func (m Machine) linkBlob(digest string) error {
	to := m.contentPath(digest)
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	// The new name replaces whatever is there: a link of an import before a power loss may be empty.
	// Not beside it: containerd could collect no garbage while it found a name there that is no digest.
	// Of one name per blob, so that a crash leaves at most that.
	tmp := m.path(contentDir, ".slipway-"+filepath.Base(to))
	if err := ignore(fs.ErrNotExist, os.Remove(tmp)); err != nil {
		return err
	}
	err := m.Blobs().Link(digest, tmp)
	if errors.Is(err, syscall.EXDEV) || errors.Is(err, syscall.EPERM) {
		return nil
	}
	if err != nil {
		return err
	}
	// Where both are the same file already, rename does nothing and leaves both.
	return errors.Join(os.Rename(tmp, to), ignore(fs.ErrNotExist, os.Remove(tmp)))
}

// adopt makes the blob known to containerd under labels, which ctx's lease keeps until something refers to it. A
// file that lies in the content store is taken as it is: containerd shares content between namespaces, and so asks for no
// bytes where it has them. https://github.com/containerd/containerd/blob/v2.4.2/core/metadata/content.go
func (c containerd) adopt(ctx context.Context, store blob.Store, b Blob, labels map[string]string) error {
	ctx, cancel := context.WithCancel(ctx) // ends the stream, whatever happens
	defer cancel()
	content := contentapi.NewContentClient(c.conn)
	w, err := content.Write(ctx)
	if err != nil {
		return err
	}
	request := &contentapi.WriteContentRequest{Action: contentapi.WriteAction_STAT, Ref: "slipway-" + b.Digest, Total: b.Size, Expected: b.Digest}
	at, err := exchange(w, request)
	if err == nil && at != b.Size {
		at, err = stream(w, store, b)
	}
	if err == nil {
		_, err = exchange(w, &contentapi.WriteContentRequest{Action: contentapi.WriteAction_COMMIT,
			Offset: at, Total: b.Size, Expected: b.Digest, Labels: labels})
	}
	if status.Code(err) == codes.AlreadyExists {
		err = c.label(ctx, b.Digest, labels)
	}
	if err != nil {
		return fmt.Errorf("give %s to containerd: %w", b.Digest, err)
	}
	return nil
}

// exchange returns how many bytes containerd then has.
func exchange(w contentapi.Content_WriteClient, request *contentapi.WriteContentRequest) (int64, error) {
	if err := w.Send(request); err != nil && !errors.Is(err, io.EOF) { // what ended the stream, Recv tells
		return 0, err
	}
	answer, err := w.Recv()
	if err != nil {
		return 0, err
	}
	return answer.Offset, nil
}

// stream sends the blob's bytes, from the first on, whatever a killed import has sent before.
func stream(w contentapi.Content_WriteClient, store blob.Store, b Blob) (at int64, err error) {
	r, err := store.Open(b.Digest)
	if err != nil {
		return 0, err
	}
	defer r.Close()
	buffer := make([]byte, 1<<20)
	for {
		n, readErr := io.ReadFull(r, buffer)
		if n > 0 {
			at, err = exchange(w, &contentapi.WriteContentRequest{Action: contentapi.WriteAction_WRITE, Offset: at, Data: buffer[:n]})
			if err != nil {
				return at, err
			}
		}
		switch {
		case readErr == nil:
		case errors.Is(readErr, io.EOF) || errors.Is(readErr, io.ErrUnexpectedEOF):
			return at, nil
		default:
			return at, readErr
		}
	}
}

// label adds labels to the content.
func (c containerd) label(ctx context.Context, digest string, labels map[string]string) error {
	if len(labels) == 0 {
		return nil
	}
	mask := &fieldmaskpb.FieldMask{}
	for name := range labels {
		mask.Paths = append(mask.Paths, "labels."+name)
	}
	_, err := contentapi.NewContentClient(c.conn).Update(ctx, &contentapi.UpdateRequest{
		Info: &contentapi.Info{Digest: digest, Labels: labels}, UpdateMask: mask})
	return err
}
