package node

import "time"

// Await says which static pods are to run on a machine. A machine has them from files, without any API server, so it
// is asked itself: what the API knows of them is up to a minute old after a kubelet has restarted.
type Await struct {
	Annotation string            `json:"annotation"` // by whose value a pod is told from what it was before
	Pods       map[string]string `json:"pods"`       // value by the pod's name, as in its file
	Patience   time.Duration     `json:"patience"`   // nanoseconds
}
