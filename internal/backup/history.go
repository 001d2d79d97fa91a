package backup

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/google/renameio/v2"
)

// Turn is what came of one turn: an archive that was made, or one that was proven.
type Turn struct {
	Node     string    `json:"node"`
	Began    time.Time `json:"began"`
	Seconds  float64   `json:"seconds"`
	Archive  string    `json:"archive,omitempty"` // its name
	Places   []string  `json:"places,omitempty"`  // where it lies
	Bytes    int64     `json:"bytes,omitempty"`
	Revision int64     `json:"revision,omitempty"`
	Deleted  []string  `json:"deleted,omitempty"` // older archives
	Kept     []string  `json:"kept,omitempty"`    // places where older archives were to go and did not, and why
	Found    string    `json:"found,omitempty"`   // what a proof has shown
	Open     []string  `json:"open,omitempty"`    // what a proof could not look at
	Error    string    `json:"error,omitempty"`
	Against  bool      `json:"against,omitempty"` // a proof that failed at the archive, not before it came to look at it
}

// History is what happened last, on one machine or in the cluster. Nothing in it is secret.
type History struct {
	Made        *Turn `json:"made,omitempty"` // the last archive
	MakeFailed  *Turn `json:"makeFailed,omitempty"`
	Proven      *Turn `json:"proven,omitempty"`
	ProofFailed *Turn `json:"proofFailed,omitempty"`
	lost        error // why what was remembered before is not known
}

// Merge takes over from other what is newer. What is dated in the future is so only beside what is, too.
func (h *History) Merge(other History) {
	now := time.Now()
	for _, pair := range []struct {
		into **Turn
		from *Turn
	}{{&h.Made, other.Made}, {&h.MakeFailed, other.MakeFailed}, {&h.Proven, other.Proven}, {&h.ProofFailed, other.ProofFailed}} {
		if pair.from != nil && pair.from.newer(*pair.into, now) {
			*pair.into = pair.from
		}
	}
}

// named reports whether the last archive that was made, or was not made everywhere, is called so.
func (h History) named(archive string) bool {
	return h.Made != nil && h.Made.Archive == archive || h.MakeFailed != nil && h.MakeFailed.Archive == archive
}

// DecodeHistory reads what History is written as; of nothing it is an empty one.
func DecodeHistory(text []byte) (h History, err error) {
	if len(text) == 0 {
		return h, nil
	}
	if err := json.Unmarshal(text, &h); err != nil {
		return h, fmt.Errorf("what is kept of backups: %w", err)
	}
	return h, nil
}

// noted is the history in the file at path, empty where there is none or none that can be read: it only tells of the past, and is written
// anew.
func noted(path string) (History, error) {
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return History{}, err
	}
	h, err := DecodeHistory(text)
	if err != nil {
		return History{}, nil //nolint:nilerr // see above
	}
	return h, nil
}

// note adds to the history in the file at path, which is replaced in one step.
func note(path string, add History) error {
	h, err := noted(path)
	if err != nil {
		return err
	}
	h.Merge(add)
	text, err := json.MarshalIndent(h, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return renameio.WriteFile(path, append(text, '\n'), 0o600)
}
