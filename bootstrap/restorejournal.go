package bootstrap

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/slipway/slipway/components"
	"github.com/slipway/slipway/internal/spec"
	"github.com/slipway/slipway/internal/status"
)

// restoreFile is the journal of a restore: it is there from before the first thing is stopped, so that a run after one that was cut
// off goes on where that stood, and it stays afterwards, for the revisions that were given out.
const restoreFile = "restore"

// restoration is a restore.
type restoration struct {
	ID         string    `json:"id"`     // of this one; data that came from it bears it
	SHA256     string    `json:"sha256"` // of the snapshot
	File       string    `json:"file"`
	Taken      time.Time `json:"taken"`
	Kubernetes string    `json:"kubernetes"`
	Members    string    `json:"members"`          // NAME=URL,… of all that get the data
	Former     []was     `json:"former,omitempty"` // control planes there were: nobody else knows of them when all is done but them
	Bump       int64     `json:"bump"`             // added to the snapshot's revision
	Base       int64     `json:"base"`             // the revision that the restored cluster begins with
	Begun      time.Time `json:"begun"`
	Seeded     bool      `json:"seeded,omitempty"` // all control planes have the data, and may have served it since
	Finished   time.Time `json:"finished,omitzero"`
}

// was is a machine that was part of the cluster.
type was struct {
	Name    string     `json:"name"`
	Role    spec.Role  `json:"role"`
	Address netip.Addr `json:"address"`
}

// under reports whether it stands half way.
func (j *restoration) under() bool { return !j.Begun.IsZero() && j.Finished.IsZero() }

// token is that of the membership that the restore makes: what is left of the one before cannot speak with it.
func (j *restoration) token(cluster string) string { return cluster + "-" + j.ID }

// RestoreError is a restore that is refused, or one that something else has to wait for.
type RestoreError struct{ what, remedy string }

func (e *RestoreError) Error() string { return e.what }

// Remedy is the way on.
func (e *RestoreError) Remedy() string { return e.remedy }

// guardRestored refuses all else while a restore stands half way.
func (r *Run) guardRestored() error {
	var j restoration
	if _, err := r.dir.Get(restoreFile, &j); err != nil || !j.under() {
		return err
	}
	return &RestoreError{j.halfWay(), r.restoreRemedy(&j)}
}

func (j *restoration) halfWay() string {
	return fmt.Sprintf("a restore of %s, begun %s, stands half way", j.File, j.Begun.Local().Format(time.DateTime))
}

// statusRestore tells of a restore that stands half way.
func (r *Run) statusRestore(s *status.Status) error {
	var j restoration
	if _, err := r.dir.Get(restoreFile, &j); err != nil || !j.under() {
		return err
	}
	s.Problems = append([]status.Problem{{What: j.halfWay(), Remedy: r.restoreRemedy(&j)}}, s.Problems...)
	return nil
}

// leastBump is by how much a restored cluster's revision is ahead of the snapshot's, so that it is later than any that a client can
// have seen. A busy cluster makes some hundred revisions a second.
const leastBump = 1_000_000_000

// resume goes on with a restore that stands half way, or begins one.
func (r *Run) resume() error {
	j, s := &r.restore.journal, r.restore.source
	if _, err := r.dir.Get(restoreFile, j); err != nil {
		return err
	}
	members := (&components.Input{Cluster: r.Cluster}).Membership(spec.Node{}).Initial
	if j.under() && !r.restore.from.Anew {
		var other string
		switch {
		case j.SHA256 != s.sum:
			other = "of other data than that of " + s.path
		case j.Kubernetes != r.Cluster.Kubernetes:
			other = "to Kubernetes " + j.Kubernetes + ", and the file says " + r.Cluster.Kubernetes
		case j.Members != members:
			other = "on " + j.Members + ", and the control planes in the file are others"
		default:
			return nil
		}
		return &RestoreError{j.halfWay() + ", " + other, r.restoreRemedy(j) + ", with what was declared as it was; to begin anew with what is given now, add --anew"}
	}
	r.restore.over = j.under()
	now := time.Now().UTC()
	*j = restoration{ID: now.Format("20060102T150405Z"), SHA256: s.sum, File: s.path, Taken: s.taken, Kubernetes: r.Cluster.Kubernetes,
		Members: members, Former: j.pending(r.Here != ""), Base: j.Base}
	return nil
}

// pending are the former machines of a restore that was not finished: whoever begins anew has them to stop, too. By hand they are never
// stopped nor cleaned, so that they may be there with their disks after one that was.
func (j *restoration) pending(byHand bool) []was {
	if !j.under() && !byHand {
		return nil
	}
	return j.Former
}

// count works out the revision to begin with: later than what any client can have seen, of the cluster that answers now, of one
// that was restored before, or of one that went on unseen. Whoever restores again may know nothing of the time before, if the machines
// and the state directory went with it: so it is never less than the time in microseconds, faster than which no cluster makes revisions.
func (r *Run) count(live *Live, now time.Time) error {
	j, s := &r.restore.journal, r.restore.source
	if j.Bump > 0 {
		return nil
	}
	reached := max(s.revision, j.Base)
	if live != nil {
		reached = max(reached, live.Revision)
	}
	j.Base = max(reached+leastBump, now.UnixMicro())
	j.Bump = j.Base - s.revision
	return nil
}
