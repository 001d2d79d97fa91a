// Package status is what can be said of a running cluster, as plain data.
// Its JSON form is what "slipway status -o json" prints.
package status

import "time"

// Status is one cluster at one moment. What could not be found out is zero, and told of in Problems.
type Status struct {
	Cluster      string         `json:"cluster"`
	Kubernetes   string         `json:"kubernetes"` // version declared, 1.36.3
	Endpoint     string         `json:"endpoint"`   // "10.0.0.100:6443"
	Time         time.Time      `json:"time"`
	Health       Health         `json:"health"`
	Nodes        []Node         `json:"nodes"`        // in the file's order, undeclared ones last
	ControlPlane []ControlPlane `json:"controlPlane"` // one per control-plane or load-balancer node
	Etcd         []Member       `json:"etcd"`
	Certificates []Certificate  `json:"certificates"`
	Backups      *Backups       `json:"backups,omitempty"` // nil where the file has no backup block
	Problems     []Problem      `json:"problems,omitempty"`
}

// Health is the cluster in one word.
type Health string

const (
	Healthy  Health = "healthy"
	Degraded Health = "degraded" // it serves, with something broken or at risk
	Down     Health = "down"     // the API does not answer, or etcd has no quorum
	Absent   Health = "absent"   // there is no cluster on these machines
)

// Node is one machine as a Kubernetes node.
type Node struct {
	Name       string   `json:"name"`
	Role       string   `json:"role"`
	Address    string   `json:"address"`
	Reachable  bool     `json:"reachable"` // over SSH; on a machine of the cluster also true of the others, which are not tried
	Joined     bool     `json:"joined"`    // the API knows it
	Ready      bool     `json:"ready"`
	Cordoned   bool     `json:"cordoned,omitempty"`
	Undeclared bool     `json:"undeclared,omitempty"` // in the cluster and not in the file
	Version    string   `json:"version,omitempty"`    // of the kubelet, 1.36.3
	Runtime    string   `json:"runtime,omitempty"`    // "containerd 2.4.2"
	OS         string   `json:"os,omitempty"`
	Kernel     string   `json:"kernel,omitempty"`
	Pods       int      `json:"pods"`
	Conditions []string `json:"conditions,omitempty"` // those that are not as they should be: "DiskPressure"
}

// ControlPlane is the components on one node; nil are those that it has not.
type ControlPlane struct {
	Node              string     `json:"node"`
	Etcd              *Component `json:"etcd,omitempty"`
	APIServer         *Component `json:"apiserver,omitempty"`
	ControllerManager *Component `json:"controllerManager,omitempty"`
	Scheduler         *Component `json:"scheduler,omitempty"`
	HAProxy           *Component `json:"haproxy,omitempty"`
	Keepalived        *Component `json:"keepalived,omitempty"`
}

// Component is one program's health.
type Component struct {
	Healthy bool   `json:"healthy"`
	Leader  bool   `json:"leader,omitempty"` // holds the lease; for keepalived, the endpoint's address
	Message string `json:"message,omitempty"`
}

// Member is one etcd member.
type Member struct {
	Node    string `json:"node"`
	ID      string `json:"id"` // hexadecimal, as etcdctl prints it
	Leader  bool   `json:"leader,omitempty"`
	Learner bool   `json:"learner,omitempty"`
	Healthy bool   `json:"healthy"`
	Version string `json:"version,omitempty"`
	DBBytes int64  `json:"dbBytes"` // size of the database file
	InUse   int64  `json:"inUse"`   // bytes of it in use; the rest goes with a defragmentation
	Index   uint64 `json:"index"`   // raft index applied
	Lag     uint64 `json:"lag"`     // entries behind the leader
}

// Certificate is one that expires: every CA, and each node's soonest leaf.
type Certificate struct {
	Name    string    `json:"name"`           // "ca", "apiserver"
	Node    string    `json:"node,omitempty"` // empty for CAs
	CA      bool      `json:"ca,omitempty"`
	Expires time.Time `json:"expires"`
}

// Problem is what needs a human, with what to do.
type Problem struct {
	Node   string `json:"node,omitempty"`
	What   string `json:"what"`
	Remedy string `json:"remedy,omitempty"`
}
