package bundle

import (
	"context"
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
