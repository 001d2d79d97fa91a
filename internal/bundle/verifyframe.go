package bundle

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
)

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
