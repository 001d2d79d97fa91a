package node

import (
	"errors"
	"strings"
	"time"
)

// Await says which static pods are to run on a machine. A machine has them from files, without any API server, so it
// is asked itself: what the API knows of them is up to a minute old after a kubelet has restarted.
type Await struct {
	Annotation string            `json:"annotation"` // by whose value a pod is told from what it was before
	Pods       map[string]string `json:"pods"`       // value by the pod's name, as in its file
	Patience   time.Duration     `json:"patience"`   // nanoseconds
}

// Awaited is what an Await has come to.
type Awaited struct {
	Missing []string `json:"missing,omitempty"` // what does not run as wanted, and why; empty when all do
	Crashes int      `json:"crashes,omitempty"` // how often the container that ended most often has ended in a row
}

// Err is nil when nothing is missing.
func (a Awaited) Err() error {
	if len(a.Missing) == 0 {
		return nil
	}
	return errors.New(strings.Join(a.Missing, "; "))
}
