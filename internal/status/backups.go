package status

import "time"

// Backups is what became of the archives that the control planes make by themselves.
type Backups struct {
	Schedule    string `json:"schedule"`         // as systemd takes it
	Verify      string `json:"verify,omitempty"` // of proofs
	Made        *Turn  `json:"made,omitempty"`   // the last archive; nil: none yet
	MakeFailed  *Turn  `json:"makeFailed,omitempty"`
	Proven      *Turn  `json:"proven,omitempty"` // the last archive that was proven
	ProofFailed *Turn  `json:"proofFailed,omitempty"`
}

// Turn is what one control plane did.
type Turn struct {
	Node     string    `json:"node"`
	Began    time.Time `json:"began"`
	Ahead    bool      `json:"ahead,omitempty"` // it began in the future: the clock of its node is or was wrong, or the one here
	Seconds  float64   `json:"seconds"`
	Archive  string    `json:"archive,omitempty"` // its name
	Places   []string  `json:"places,omitempty"`  // where it lies
	Bytes    int64     `json:"bytes,omitempty"`
	Revision int64     `json:"revision,omitempty"`
	Kept     []string  `json:"kept,omitempty"`  // places where older archives were to go and did not, and why
	Found    string    `json:"found,omitempty"` // what a proof has shown
	Open     []string  `json:"open,omitempty"`  // what a proof could not look at
	Error    string    `json:"error,omitempty"`
}

// Since reports whether a turn that failed was after one that went well, which may be nil. What is dated in the future counts as before
// all that is not.
func (t *Turn) Since(good *Turn) bool {
	if t == nil || good == nil {
		return t != nil
	}
	if t.Ahead != good.Ahead {
		return good.Ahead
	}
	return t.Began.After(good.Began)
}
