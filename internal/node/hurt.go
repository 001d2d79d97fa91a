package node

import (
	"net/netip"
	"time"

	"github.com/slipway/slipway/internal/layout"
)

// What drills do to machines. Whatever lasts ends by itself after its time, whether or not anybody comes back to end it.

// Kill asks a machine to end programs of its pods at once, as a crash would. The kubelet starts them again.
type Kill struct {
	Programs []string `json:"programs"`
}

// Killed says how many processes that were.
type Killed struct {
	Processes int `json:"processes"`
}

// Sever cuts a machine off the network, as by a pulled cable, but for the SSH connections of one peer.
type Sever struct {
	Peer    netip.Addr    `json:"peer"`
	Port    uint16        `json:"port"`             // of sshd, on the machine
	Address netip.Addr    `json:"address,omitzero"` // one that others may take meanwhile: nobody here answers for it
	For     time.Duration `json:"for"`              // nanoseconds
}

// Disk is the file system that etcd's data is on.
type Disk struct {
	Own  bool  `json:"own"` // nothing else is on it
	Size int64 `json:"size"`
	Free int64 `json:"free"` // bytes, also those that are kept for root
}

// Fill asks a machine to fill it up.
type Fill struct {
	For time.Duration `json:"for"` // nanoseconds
}

// Ballast is the file that fills it.
const Ballast = layout.Etcd + "/slipway-drill.ballast"

// severTable is that of nftables in which a machine's isolation is.
const severTable = "slipway-drill"
