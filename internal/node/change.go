package node

import "slices"

// Action is what a Change does to its resource.
type Action string

const (
	Create  Action = "create"
	Update  Action = "update"
	Delete  Action = "delete"
	Start   Action = "start"
	Restart Action = "restart"
)

// Change is one difference between a machine and its State.
type Change struct {
	ID     string `json:"id"` // Resource.ID
	Action Action `json:"action"`
	// Before and After are the texts to show a reader: file contents for text, one line for
	// everything else, and "sha256:…" hashes for secrets and binaries.
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
	Reason string `json:"reason,omitempty"` // such as "inputs changed: file /etc/containerd/config.toml"
	Blobs  []Blob `json:"blobs,omitempty"`  // what must be in the machine's blob store first
}

// Unfinished is the ID of the change that Diff tells beside others where the machine was converged in parts and never as a whole: it
// may be all that it should be, and would still go back to what it was before. Converging it as a whole ends that.
const Unfinished = "unfinished change"

// IsUnfinished reports whether changes say so.
func IsUnfinished(changes []Change) bool {
	return slices.ContainsFunc(changes, func(c Change) bool { return c.ID == Unfinished })
}
