package proof

import (
	"fmt"

	"github.com/slipway/slipway/internal/archive"
)

// Report is what came of a proof. Whatever is in it holds; Open says what was not looked at.
type Report struct {
	Path      string           `json:"path"`
	Proven    bool             `json:"proven"`          // all of it
	Restored  bool             `json:"restored"`        // its data was restored and read back
	Given     bool             `json:"given,omitempty"` // Secrets were read with keys that were given, not with those in the archive
	Open      []string         `json:"open,omitempty"`  // what is not proven, and why
	Notes     []string         `json:"notes,omitempty"` // what is worth knowing and takes nothing from the proof
	Bytes     int64            `json:"bytes"`           // of the file
	Age       float64          `json:"ageSeconds"`
	Seconds   float64          `json:"seconds"`
	Steps     []Step           `json:"steps"`
	Keys      int              `json:"keys"`    // that Kubernetes has in etcd
	Objects   int              `json:"objects"` // that were read through the API
	Secrets   *Secrets         `json:"secrets,omitempty"`
	Resources []Count          `json:"resources,omitempty"`
	Manifest  archive.Manifest `json:"manifest"`
}

// Found is what was proven, in few words; "" for nothing of the data.
func (r *Report) Found() string {
	switch {
	case !r.Restored:
		return ""
	case r.Secrets == nil:
		return "its data, without Secrets"
	case r.Given:
		return fmt.Sprintf("its data and every Secret (%d), with this machine's key", r.Secrets.Objects)
	}
	return fmt.Sprintf("its data and every Secret (%d), with its own key", r.Secrets.Objects)
}

// Step is one thing that was done, and what it showed.
type Step struct {
	What    string  `json:"what"`
	Found   string  `json:"found"`
	Seconds float64 `json:"seconds"`
}

// Count is how many objects of one resource were read.
type Count struct {
	Resource string `json:"resource"` // deployments.apps
	Objects  int    `json:"objects"`
}

// Secrets are those that were read and decrypted.
type Secrets struct {
	Objects int `json:"objects"`
	Sealed  int `json:"sealed"` // values in etcd that are encrypted
	Values  int `json:"values"` // entries of their data
	Bytes   int `json:"bytes"`
}
