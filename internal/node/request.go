package node

// Look is what one Observe is to find out.
type Look struct {
	Ask   Ask    `json:"ask"`
	State *State `json:"state,omitempty"` // nil: facts only
}

// Observation is what one Observe has found.
type Observation struct {
	Facts   Facts    `json:"facts"`
	Changes []Change `json:"changes"` // nil without a State, and on another cluster's machine, which Facts tells
}

// Cleaning says how Clean takes a cluster off the machine.
type Cleaning struct {
	Cluster   string   `json:"cluster,omitempty"`   // the cluster that is meant: a machine of another is refused; "" for any
	Purge     bool     `json:"purge,omitempty"`     // delete etcd's data, too, which is otherwise moved aside
	Force     bool     `json:"force,omitempty"`     // clean also a machine whose inventory is lost
	Addresses []string `json:"addresses,omitempty"` // virtual addresses that must not stay on an interface
	Binary    string   `json:"binary,omitempty"`    // a slipway outside of its home, removed at the end; "" to leave it
}
