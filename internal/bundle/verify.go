package bundle

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/klauspost/compress/zstd"
	digest "github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"

	"github.com/slipway/slipway/internal/blob"
	"github.com/slipway/slipway/internal/event"
)

// Verify reads the whole bundle and reports everything that is not as its manifest says: changed
// blobs, each by what it belongs to, executables and layers that decompress to other bytes than
// promised, blobs that nothing names, and any other byte that Build would not have written.
func (b *Bundle) Verify(ctx context.Context, sink event.Sink) error {
	names := b.namesByDigest()
	var problems problemList
	for d := range b.index {
		if names[d] == "" {
			problems.add(fmt.Errorf("blob %s belongs to nothing", d))
		}
	}
	want, err := b.contents()
	if err != nil {
		problems.add(err)
	}
	tasks, taskCtx := errgroup.WithContext(ctx)
	tasks.SetLimit(runtime.GOMAXPROCS(0))
	sink.Emit(event.Event{Kind: event.Started, Subject: b.path})
	var done counter
	for _, d := range slices.Sorted(maps.Keys(names)) {
		tasks.Go(func() error {
			if err := b.verifyBlob(taskCtx, d, want[d]); err != nil {
				problems.add(fmt.Errorf("%s: %w", names[d], err))
			}
			problems.Lock()
			defer problems.Unlock()
			done += counter(b.index[d].size)
			sink.Emit(event.Event{Kind: event.Progress, Subject: b.path, Message: names[d], Done: int64(done), Total: b.size})
			return taskCtx.Err()
		})
	}
	if err := tasks.Wait(); err != nil {
		return err
	}
	if len(problems.errs) == 0 {
		problems.add(b.verifyInImages(ctx))
		problems.add(b.verifyFrame())
	}
	if err := problems.join(); err != nil {
		return fmt.Errorf("bundle %s: %w", b.path, err)
	}
	sink.Emit(event.Event{Kind: event.Done, Subject: b.path, Message: fmt.Sprintf("%d blobs", len(names))})
	return nil
}

// problemList gathers errors from parallel tasks.
type problemList struct {
	sync.Mutex
	errs []error
}

func (p *problemList) add(err error) {
	p.Lock()
	defer p.Unlock()
	if err != nil {
		p.errs = append(p.errs, err)
	}
}

func (p *problemList) join() error {
	slices.SortFunc(p.errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return errors.Join(p.errs...)
}

// namesByDigest says to what each blob belongs.
func (b *Bundle) namesByDigest() map[string]string {
	names := map[string]string{}
	for _, o := range b.owners() {
		if names[o.blob.Digest] != "" {
			names[o.blob.Digest] += ", "
		}
		names[o.blob.Digest] += o.name
	}
	for d := range names {
		names[d] += " (" + d + ")"
	}
	return names
}

// contents are the digests of what compressed blobs hold, by the blobs' digests: for executables out
// of the manifest, for layers out of their image's config.
func (b *Bundle) contents() (map[string]digest.Digest, error) {
	want := map[string]digest.Digest{}
	for _, binary := range b.manifest.Binaries {
		if binary.Image != "" {
			continue
		}
		want[binary.Blob.Digest] = digest.NewDigestFromEncoded(digest.SHA256, binary.SHA256)
	}
	var problems []error
	for _, image := range b.manifest.Images {
		diffs, err := b.imageContents(image)
		if err != nil {
			problems = append(problems, fmt.Errorf("image %s: %w", image.Name, err))
			continue
		}
		for i, d := range diffs {
			want[image.Blobs[i+1].Digest] = d
		}
	}
	return want, errors.Join(problems...)
}

// imageContents returns the diff ids of an image's layers. Its manifest, and so the runtime that
// reads it, must name the very blobs that the bundle lists for it.
func (b *Bundle) imageContents(image Image) ([]digest.Digest, error) {
	var m v1.Manifest
	if err := b.decodeBlob(image.Manifest.Digest, &m); err != nil {
		return nil, fmt.Errorf("manifest: %w", err)
	}
	var named []string
	for _, d := range append([]v1.Descriptor{m.Config}, m.Layers...) {
		named = append(named, d.Digest.String())
	}
	var listed []string
	for _, bl := range image.Blobs {
		listed = append(listed, bl.Digest)
	}
	if !slices.Equal(named, listed) {
		return nil, fmt.Errorf("its manifest names other blobs than the bundle lists for it")
	}
	var config v1.Image
	if err := b.decodeBlob(listed[0], &config); err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	if len(config.RootFS.DiffIDs) != len(m.Layers) {
		return nil, fmt.Errorf("its config tells of %d layers, its manifest of %d", len(config.RootFS.DiffIDs), len(m.Layers))
	}
	return config.RootFS.DiffIDs, nil
}

// decodeBlob decodes a small blob of JSON; one that is corrupt is left to verifyBlob to name.
func (b *Bundle) decodeBlob(d string, v any) error {
	r, err := b.Blob(d)
	if err != nil {
		return err
	}
	text, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, v)
}

// verifyBlob checks the blob's bytes, and where content is not empty what they decompress to.
func (b *Bundle) verifyBlob(ctx context.Context, d string, content digest.Digest) error {
	r, err := b.Blob(d)
	if err != nil {
		return err
	}
	hash := digest.SHA256.Digester()
	if _, err := io.Copy(hash.Hash(), contextReader{ctx, r}); err != nil {
		return err
	}
	if got := hash.Digest().String(); got != d {
		return &blob.CorruptError{Digest: d, Got: got}
	}
	if content == "" {
		return nil
	}
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return err
	}
	raw, err := zstd.NewReader(contextReader{ctx, r}, zstd.WithDecoderConcurrency(1))
	if err != nil {
		return err
	}
	defer raw.Close()
	hash = digest.SHA256.Digester()
	if _, err := io.Copy(hash.Hash(), raw); err != nil {
		return fmt.Errorf("decompress: %w", err)
	}
	if got := hash.Digest(); got != content {
		return fmt.Errorf("decompresses to %s, expected %s", got, content)
	}
	return nil
}

// verifyFrame compares the file with what Build writes for its manifest and blobs, so that headers,
// padding and the end are checked too.
func (b *Bundle) verifyFrame() error {
	blobs := blobSet{}
	for d := range b.index {
		blobs[d] = b.source(d)
	}
	same := &comparer{r: bufio.NewReaderSize(io.NewSectionReader(b.file, 0, b.size), 1<<20)}
	if err := writeArchive(same, b.manifest, blobs); err != nil {
		return err
	}
	if same.at != b.size {
		return fmt.Errorf("has %d bytes after its end", b.size-same.at)
	}
	return nil
}

// source is where a blob comes from when the bundle is written again.
func (b *Bundle) source(d string) blobSource {
	s := b.index[d]
	return blobSource{size: s.size, open: func() (io.ReadCloser, error) {
		return io.NopCloser(io.NewSectionReader(b.file, s.offset, s.size)), nil
	}}
}

// comparer is a Writer that fails at the first byte that is not the next one of r.
type comparer struct {
	r   io.Reader
	at  int64
	buf []byte
}

func (c *comparer) Write(p []byte) (int, error) {
	if cap(c.buf) < len(p) {
		c.buf = make([]byte, len(p))
	}
	n, err := io.ReadFull(c.r, c.buf[:len(p)])
	if err != nil || !bytes.Equal(c.buf[:n], p) {
		return 0, fmt.Errorf("the archive's own structure was changed or cut off after byte %d", c.at)
	}
	c.at += int64(n)
	return n, nil
}

// contextReader ends reading when its context ends.
type contextReader struct {
	ctx context.Context
	io.Reader
}

func (r contextReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.Reader.Read(p)
}
