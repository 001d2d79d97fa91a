// Package plan holds what would be done, as data: which changes on which node, in which stages,
// and nothing that could do them. A Plan can be printed, stored and compared.
package plan

import (
	"slices"

	"github.com/slipway/slipway/internal/node"
)

// FormatVersion is the version of the stored Plan format.
const FormatVersion = 1

// Plan is everything an apply would change.
type Plan struct {
	Format     int       `json:"format"`
	Cluster    string    `json:"cluster"`            // declared name
	ID         string    `json:"id"`                 // cluster id; "" before there is a CA
	Kubernetes string    `json:"kubernetes"`         // version aimed at
	Spec       string    `json:"spec"`               // sha256 of the spec and its inputs, so that a stored plan knows its file
	Nodes      []Node    `json:"nodes"`              // in the file's order, removed ones last
	Objects    []Object  `json:"objects"`            // of the cluster's API
	From       string    `json:"from,omitempty"`     // version of Kubernetes that the cluster leaves
	Programs   []Program `json:"programs,omitempty"` // that run already, and whose image or flags change
	Course     []Stage   `json:"course,omitempty"`   // of a change of version, in its order
	Members    []Member  `json:"members,omitempty"`  // what becomes of etcd's members, in its order
	Warnings   []string  `json:"warnings,omitempty"`
}

// Program is what changes of a program that runs already; its changes among those of nodes and objects tell the rest.
type Program struct {
	Name  string   `json:"name"`
	Nodes []string `json:"nodes,omitempty"` // none: the cluster runs it, as an object tells
	From  string   `json:"from,omitempty"`  // image; "" where it stays
	To    string   `json:"to,omitempty"`
	Flags []Flag   `json:"flags,omitempty"` // in the order of their names
}

// Flag is one flag that changes, with its value: "--v=2". Before is "" where it is new, After where it goes.
type Flag struct {
	Name   string `json:"name"`
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
}

// Same reports whether p and o change in the same way.
func (p Program) Same(o Program) bool {
	return p.Name == o.Name && p.From == o.From && p.To == o.To && slices.Equal(p.Flags, o.Flags)
}

// Member is one change of etcd's membership, with what holds once it is made.
type Member struct {
	Node      string `json:"node"`
	Does      string `json:"does"`
	Voters    int    `json:"voters"`
	Tolerates int    `json:"tolerates"` // failures of voters that etcd survives
}

// Stage is one step of a change of version, on one node or several at once.
type Stage struct {
	Name     string   `json:"name"`
	Nodes    []string `json:"nodes,omitempty"`
	Does     string   `json:"does"`
	Estimate float64  `json:"estimateSeconds,omitempty"` // as measured before; 0: never measured
}

// Node is what would change on one machine.
type Node struct {
	Name    string        `json:"name"`
	Role    string        `json:"role"`
	Address string        `json:"address"`
	Removed bool          `json:"removed,omitempty"` // no longer declared: drained, deleted, cleaned
	Changes []node.Change `json:"changes"`
}

// Object is one Kubernetes object that would change.
type Object struct {
	ID     string      `json:"id"` // "DaemonSet kube-system/kube-proxy"
	Action node.Action `json:"action"`
	Before string      `json:"before,omitempty"` // YAML
	After  string      `json:"after,omitempty"`
}

// Empty reports whether applying p would change nothing.
func (p *Plan) Empty() bool {
	for _, n := range p.Nodes {
		if n.Removed || len(n.Changes) > 0 {
			return false
		}
	}
	return len(p.Objects)+len(p.Members) == 0
}
