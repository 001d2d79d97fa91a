//go:build linux

package node

import (
	"archive/tar"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	snapshotsapi "github.com/containerd/containerd/api/services/snapshots/v1"
	"github.com/klauspost/compress/zstd"
	"golang.org/x/sys/unix"

	"github.com/slipway/slipway/internal/event"
)

// upperLabel names the directory of a layer's own files. containerd.toml asks for it.
// https://github.com/containerd/containerd/blob/v2.4.2/plugins/snapshots/overlay/overlay.go
const upperLabel = "containerd.io/snapshot/overlay.upperdir"

// take puts the executable at path out of its image as it lies unpacked: as one more name of the same file, or where
// links do not reach, as a copy. If somebody has changed the file, through whichever name, it is made anew for
// both out of the layer that containerd keeps.
func (b *Binary) take(ctx context.Context, p *pass, path string) error {
	image, err := readContents(p.resources["image "+b.In.Ref].Image, p.decodeContent)
	if err != nil {
		return fmt.Errorf("image %s: %w", b.In.Ref, err)
	}
	client, err := p.dialContainerd()
	if err != nil {
		return err
	}
	defer client.close()
	for n := len(image.chains) - 1; n >= 0; n-- {
		dir, err := client.layerDir(ctx, image.chains[n].String())
		if err != nil {
			return fmt.Errorf("image %s: %w", b.In.Ref, err)
		}
		dir = p.path(dir)
		from, err := openIn(dir, b.In.Path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		err = errors.Join(b.place(p, from, path), from.Close())
		if wrong := new(wrongBytesError); !errors.As(err, &wrong) {
			return err
		}
		p.emit(event.Event{Kind: event.Warning, Subject: "image " + b.In.Ref, Message: b.In.Path + " was changed: it is made anew"})
		if err := b.extract(p, image.manifest.Layers[n].Digest.String(), path); err != nil {
			return fmt.Errorf("image %s is damaged on this machine (%w): remove it with `ctr -n k8s.io images rm --sync %s` and apply again",
				b.In.Ref, err, b.In.Ref)
		}
		return b.giveBack(p, path, filepath.Join(dir, b.In.Path))
	}
	return fmt.Errorf("image %s holds no %s: build the bundle again", b.In.Ref, b.In.Path)
}

// layerDir is where the files of the layer with that chain id lie.
func (c containerd) layerDir(ctx context.Context, chain string) (string, error) {
	ctx, cancel := c.call(ctx)
	defer cancel()
	answer, err := snapshotsapi.NewSnapshotsClient(c.conn).Stat(ctx, &snapshotsapi.StatSnapshotRequest{Snapshotter: snapshotter, Key: chain})
	if err != nil {
		return "", fmt.Errorf("ask containerd for snapshot %s: %w", chain, err)
	}
	dir := answer.Info.GetLabels()[upperLabel]
	if dir == "" {
		return "", fmt.Errorf("containerd does not tell where snapshot %s lies: it runs with another configuration than Slipway's", chain)
	}
	return dir, nil
}

// openIn opens a regular file below dir, which nothing in dir can lead out of.
func openIn(dir, path string) (*os.File, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	name := strings.TrimPrefix(path, "/")
	info, err := root.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no file", filepath.Join(dir, path))
	}
	return root.Open(name)
}

// place gives the open file, if its bytes are b's, the name path, which until then stays as it is.
func (b *Binary) place(p *pass, from *os.File, path string) (err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	tmp := unfinished(path)
	if err := ignore(fs.ErrNotExist, os.Remove(tmp)); err != nil {
		return err
	}
	// The open file, not its name, which may be another file's by now.
	err = unix.Linkat(unix.AT_FDCWD, "/proc/self/fd/"+strconv.Itoa(int(from.Fd())), unix.AT_FDCWD, tmp, unix.AT_SYMLINK_FOLLOW)
	if errors.Is(err, unix.EXDEV) || errors.Is(err, unix.EPERM) {
		return replaceFile(path, b.Mode, b.user(p), func(w io.Writer) error { return b.copy(w, from) })
	}
	if err != nil {
		return fmt.Errorf("link %s to %s: %w", from.Name(), tmp, err)
	}
	defer func() { err = errors.Join(err, ignore(fs.ErrNotExist, os.Remove(tmp))) }()
	if err := b.copy(io.Discard, from); err != nil {
		return err
	}
	if err := setAttributes(tmp, b.Mode, b.user(p), b.user(p)); err != nil {
		return err
	}
	if err := from.Sync(); err != nil { // containerd does not sync what it unpacks
		return err
	}
	return os.Rename(tmp, path)
}

// extract makes path out of a layer in containerd's content store.
func (b *Binary) extract(p *pass, layer, path string) error {
	f, err := os.Open(p.contentPath(layer))
	if err != nil {
		return err
	}
	defer f.Close()
	unpacked, err := zstd.NewReader(f, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true))
	if err != nil {
		return err
	}
	defer unpacked.Close()
	files := tar.NewReader(unpacked)
	for {
		header, err := files.Next()
		if err != nil {
			return fmt.Errorf("look for %s in layer %s: %w", b.In.Path, layer, err)
		}
		if filepath.Join("/", header.Name) == b.In.Path {
			return replaceFile(path, b.Mode, b.user(p), func(w io.Writer) error { return b.copy(w, files) })
		}
	}
}

// giveBack puts the file that was made anew at its place in the image.
func (b *Binary) giveBack(p *pass, path, place string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(b.place(p, f, place), f.Close())
}

// decodeContent decodes a small blob of JSON out of containerd's content store.
func (m Machine) decodeContent(d string, v any) error {
	text, err := os.ReadFile(m.contentPath(d))
	if err != nil {
		return err
	}
	if got := hash(text); got != d {
		return fmt.Errorf("its bytes in containerd's store are %s", got)
	}
	return json.Unmarshal(text, v)
}
