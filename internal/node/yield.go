package node

import (
	"net/netip"
	"time"
)

// Yield asks a machine to let go of the shared address, if it has it, and not to take it again.
type Yield struct {
	File    string        `json:"file"` // what keepalived's check looks at
	Address netip.Addr    `json:"address"`
	For     time.Duration `json:"for"` // nanoseconds; 0: it may have the address again
}
