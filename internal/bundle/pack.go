package bundle

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"

	"github.com/google/renameio/v2"
	"github.com/klauspost/compress/zstd"
	digest "github.com/opencontainers/go-digest"
)

// packed is something compressed into the cache.
type packed struct {
	Raw     digest.Digest `json:"-"` // of the bytes before compression
	RawSize int64         `json:"-"`
	Digest  digest.Digest `json:"digest"` // of the zstd bytes
	Size    int64         `json:"size"`
	Path    string        `json:"-"` // of the zstd bytes
}

// pack compresses what write writes, unless dir holds it compressed already; write is called up to
// twice and must write the same bytes.
func pack(dir string, write func(io.Writer) error) (packed, error) {
	hash, count := digest.SHA256.Digester(), counter(0)
	if err := write(io.MultiWriter(hash.Hash(), &count)); err != nil {
		return packed{}, err
	}
	// A cached blob is what this version of the encoder makes, or bundles would depend on the cache.
	base := filepath.Join(dir, hash.Digest().Encoded()+"-"+encoderVersion())
	p := packed{Raw: hash.Digest(), RawSize: int64(count), Path: base + ".zst"}
	if note, err := os.ReadFile(base + ".json"); err == nil {
		if err := json.Unmarshal(note, &p); err != nil {
			return packed{}, fmt.Errorf("read %s.json: %w; remove it to build anew", base, err)
		}
		if info, err := os.Stat(p.Path); err == nil && info.Size() == p.Size {
			return p, nil
		}
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return packed{}, err
	}
	if err := p.compress(write); err != nil {
		return packed{}, err
	}
	note, err := json.Marshal(p)
	if err != nil {
		return packed{}, err
	}
	return p, renameio.WriteFile(base+".json", note, 0o644)
}

func (p *packed) compress(write func(io.Writer) error) error {
	out, err := renameio.NewPendingFile(p.Path, renameio.WithPermissions(0o644))
	if err != nil {
		return err
	}
	defer func() { _ = out.Cleanup() }() // a temporary file; what matters failed before
	hash, count := digest.SHA256.Digester(), counter(0)
	// One thread and a fixed level, for the same bytes everywhere. Levels above this one cost
	// minutes for some percent; decoding is equally fast for all.
	enc, err := zstd.NewWriter(io.MultiWriter(out, hash.Hash(), &count),
		zstd.WithEncoderLevel(zstd.SpeedBetterCompression), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return err
	}
	if err := write(enc); err != nil {
		return err
	}
	if err := enc.Close(); err != nil {
		return err
	}
	p.Digest, p.Size = hash.Digest(), int64(count)
	return out.CloseAtomicallyReplace()
}

func encoderVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, dep := range info.Deps {
			if dep.Path == "github.com/klauspost/compress" {
				return dep.Version
			}
		}
	}
	return "unknown"
}

// counter counts the bytes written to it.
type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}
