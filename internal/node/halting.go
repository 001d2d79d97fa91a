package node

import "time"

// Halt says which static pods a machine is to stop, and to leave stopped until somebody puts their manifests back.
type Halt struct {
	Pods    []string      `json:"pods"`              // names of manifests, without .yaml; each runs a program of that name
	Aside   string        `json:"aside"`             // where the manifests go: a directory of this name below Slipway's home
	Kubelet bool          `json:"kubelet,omitempty"` // the kubelet too, which else would go on as a node of the cluster
	Afresh  bool          `json:"afresh,omitempty"`  // the kubelet is started anew, and knows none of them any more: others of their names can start
	Grace   time.Duration `json:"grace"`             // nanoseconds that the kubelet has to end them, before they are ended without it
}

// Seed says what etcd on a machine is to begin with: the data of a snapshot, in a membership that is new.
type Seed struct {
	ID       string `json:"id"`       // of the restore: data that bears it is never replaced by the same restore again
	SHA256   string `json:"sha256"`   // of the snapshot that follows, in hex
	Member   string `json:"member"`   // the member's name
	Peer     string `json:"peer"`     // URL where it answers the others
	Initial  string `json:"initial"`  // NAME=URL,… of all members
	Token    string `json:"token"`    // of the new membership: members of the one before are strangers to it
	Revision int64  `json:"revision"` // added to the snapshot's, so that no client has seen a later one
}

// Seeded is what is known of the data that a machine's etcd has.
type Seeded struct {
	ID      string `json:"id,omitempty"`      // of the restore that it came from
	Member  bool   `json:"member"`            // there is data
	Running bool   `json:"running,omitempty"` // etcd is at work on it
}
