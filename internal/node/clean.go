package node

import "context"

// Cleaning says how Clean takes a cluster off the machine.
type Cleaning struct {
	Purge     bool     `json:"purge,omitempty"`     // delete etcd's data, too, which is otherwise moved aside
	Addresses []string `json:"addresses,omitempty"` // virtual addresses that must not stay on an interface
	Binary    string   `json:"binary,omitempty"`    // the pushed slipway, removed at the end; "" to leave it
}

func (m Machine) Clean(ctx context.Context, c Cleaning) error { return nil }
