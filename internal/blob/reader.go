package blob

import (
	"fmt"
	"io"
	"os"

	digest "github.com/opencontainers/go-digest"
)

// CorruptError is a blob whose bytes are not those that its digest names.
type CorruptError struct {
	Digest string
	Got    string // the digest of what is there; "" where that was not worked out
}

func (e *CorruptError) Error() string {
	msg := "blob " + e.Digest + " is corrupt"
	if e.Got != "" {
		msg += ": its bytes are " + e.Got
	}
	return msg
}

// reader checks a stored blob while it is read.
type reader struct {
	file     *os.File
	digest   string
	verifier digest.Verifier
	err      error
}

func (r *reader) Read(p []byte) (int, error) {
	if r.err != nil {
		return 0, r.err
	}
	n, err := r.file.Read(p)
	_, _ = r.verifier.Write(p[:n]) // a hash never fails
	switch {
	case err == nil:
		return n, nil
	case err != io.EOF:
		r.err = fmt.Errorf("read blob %s: %w", r.digest, err)
	case r.verifier.Verified():
		r.err = io.EOF
	default:
		r.err = &CorruptError{Digest: r.digest}
		if err := os.Remove(r.file.Name()); err != nil && !os.IsNotExist(err) {
			r.err = fmt.Errorf("%w, and %w", r.err, err)
		}
	}
	return n, r.err
}

func (r *reader) Close() error { return r.file.Close() }
