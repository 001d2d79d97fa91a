package spec

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
)

// inputs is everything that went into a Cluster, as hashes.
type inputs struct{ seen []string }

// add records content read as kind ("file", "var", …). Where it lay is not part of it, except for name,
// so that a plan made in one checkout can be applied from another.
func (in *inputs) add(kind, name string, content []byte) {
	if kind == "file" {
		name = ""
	}
	in.seen = append(in.seen, fmt.Sprintf("%s %q %x", kind, name, sha256.Sum256(content)))
}

// digest hashes the set: the order in which locals and functions were evaluated does not show.
func (in *inputs) digest() string {
	lines := slices.Clone(in.seen)
	slices.Sort(lines)
	h := sha256.New()
	for _, l := range slices.Compact(lines) {
		fmt.Fprintln(h, l)
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}
