package node

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
)

// validate refuses a State that could not be converged, with all that is wrong with it.
func (s State) validate() error {
	if s.Version != StateVersion {
		return fmt.Errorf("state has version %d, this slipway knows %d: use the slipway that wrote it", s.Version, StateVersion)
	}
	var errs []error
	seen := map[string]bool{}
	for i, r := range s.Resources {
		id := r.ID()
		if n := r.fields(); n != 1 {
			errs = append(errs, fmt.Errorf("resource %d (%s) has %d kinds, expected one", i, id, n))
			continue
		}
		if seen[id] {
			errs = append(errs, fmt.Errorf("%s is there twice", id))
		}
		seen[id] = true
		if r.Binary != nil && r.Binary.In != nil && !seen["image "+r.Binary.In.Ref] {
			errs = append(errs, fmt.Errorf("%s is found in image %s, which is no resource before it", id, r.Binary.In.Ref))
		}
		if path := r.path(); path != "" && (!filepath.IsAbs(path) || filepath.Clean(path) != path || path == "/") {
			errs = append(errs, fmt.Errorf("%s: expected a clean absolute path", id))
		}
	}
	for _, r := range s.Resources {
		if r.Unit == nil {
			continue
		}
		for _, id := range r.Unit.RestartOn {
			if !seen[id] {
				errs = append(errs, fmt.Errorf("%s restarts on %q, which is no resource of this state", r.ID(), id))
			}
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("state of %s: %w", s.Node, err)
	}
	return nil
}

// fields counts the kinds that r is.
func (r Resource) fields() (n int) {
	v := reflect.ValueOf(r)
	for i := range v.NumField() {
		if !v.Field(i).IsNil() {
			n++
		}
	}
	return n
}

// path is the file or directory that r is, or "".
func (r Resource) path() string {
	switch {
	case r.Dir != nil:
		return r.Dir.Path
	case r.File != nil:
		return r.File.Path
	case r.Binary != nil:
		return r.Binary.Path
	}
	return ""
}

// fingerprint changes when what r puts on the machine does. A binary or image that is merely
// packed differently is the same.
func (r Resource) fingerprint() string {
	switch {
	case r.Binary != nil:
		b := *r.Binary
		b.Blob, b.In = Blob{}, nil
		r.Binary = &b
	case r.Image != nil:
		return r.Image.Manifest.Digest
	}
	b, err := json.Marshal(r)
	if err != nil {
		panic(err) // a Resource is plain data
	}
	return hash(b)
}

// hash is how secrets and binaries show.
func hash(b []byte) string {
	sum := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(sum[:])
}
