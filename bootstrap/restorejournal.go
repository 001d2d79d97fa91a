package bootstrap

import (
	"fmt"
	"net/netip"
	"time"

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
	return &RestoreError{j.halfWay(), j.remedy(r.Cluster.File)}
}

func (j *restoration) halfWay() string {
	return fmt.Sprintf("a restore of %s, begun %s, stands half way", j.File, j.Begun.Local().Format(time.DateTime))
}

func (j *restoration) remedy(file string) string {
	return fmt.Sprintf("slipway restore -f %s %s finishes it", file, j.File)
}

// statusRestore tells of a restore that stands half way.
func (r *Run) statusRestore(s *status.Status) error {
	var j restoration
	if _, err := r.dir.Get(restoreFile, &j); err != nil || !j.under() {
		return err
	}
	s.Problems = append([]status.Problem{{What: j.halfWay(), Remedy: j.remedy(r.Cluster.File)}}, s.Problems...)
	return nil
}
