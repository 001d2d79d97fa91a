package backup

import "time"

// Kind is what a turn is for.
type Kind int

// The two that there are.
const (
	Making  Kind = iota // an archive
	Proving             // of the newest
)

// last is the turn of its kind that went well last.
func (k Kind) last(h History) *Turn {
	if k == Proving {
		return h.Proven
	}
	return h.Made
}

// history is what there is to remember of a turn.
func (k Kind) history(t *Turn) History {
	switch {
	case k == Proving && t.Error != "":
		return History{ProofFailed: t}
	case k == Proving:
		return History{Proven: t}
	case t.Error != "":
		return History{MakeFailed: t}
	}
	return History{Made: t}
}

// NotBegun keeps in the machine's own History, at path, that a turn ended by err before there was anybody to take it. Only there: what is
// missing may be what etcd is reached with. Where the history cannot be written, the error of that is returned.
func (k Kind) NotBegun(path, node string, err error) (*Turn, error) {
	t := &Turn{Node: node, Began: time.Now().UTC()}
	t.finish(err)
	return t, note(path, k.history(t))
}
