package bootstrap

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"

	"github.com/slipway/slipway/internal/etcd"
	"github.com/slipway/slipway/internal/event"
)

// keptBefore is how many of the snapshots are kept that are taken before something is done. Those of changes of version and those
// that somebody asked for are not among them: they stay.
const keptBefore = 5

// nameBefore is that of a snapshot taken at that time before that.
func nameBefore(at time.Time, before string) string {
	return fmt.Sprintf("%s-before-%s.db", at.UTC().Format("20060102T150405Z"), before)
}

// namedBefore are the names that nameBefore gives. A version, as a change of version puts there, begins with a digit.
var namedBefore = regexp.MustCompile(`^[0-9]{8}T[0-9]{6}Z-before-[a-z]+\.db$`)

// dropOlder removes those that newer ones stand in for. What a snapshot holds cannot be had again, so one goes only when as many
// newer ones as are kept are whole, each read to its end. just was taken this moment, and is. That it fails is no reason to fail with.
func (r *Run) dropOlder(just string, sink event.Sink) {
	names, err := snapshotsBefore(filepath.Dir(just))
	if err != nil {
		warn(sink, "older snapshots stay: "+err.Error())
		return
	}
	whole := 1
	for _, name := range names {
		path := filepath.Join(filepath.Dir(just), name)
		switch {
		case path == just || r.awaited(path):
		case whole < keptBefore:
			if isWhole(path) {
				whole++
			}
		default:
			if err := os.Remove(path); err != nil {
				warn(sink, "an older snapshot stays: "+err.Error())
				continue
			}
			sink.Emit(event.Event{Kind: event.Changed, Subject: "snapshot", Message: fmt.Sprintf("%s is removed: %d newer ones are whole", path, whole)})
		}
	}
}

// snapshotsBefore are the names of those in dir, the newest first.
func snapshotsBefore(dir string) (names []string, err error) {
	list, err := os.ReadDir(dir)
	for _, e := range list {
		if e.Type().IsRegular() && namedBefore.MatchString(e.Name()) {
			names = append(names, e.Name())
		}
	}
	slices.Reverse(names) // a directory is read in the order of its names, and those begin with the time
	return names, err
}

func isWhole(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close() // read only
	_, err = etcd.CheckSnapshot(f)
	return err == nil
}

// awaited reports whether a restore of that file stands half way, which needs it to be finished.
func (r *Run) awaited(path string) bool {
	var j restoration
	_, err := r.dir.Get(restoreFile, &j)
	return err != nil || j.under() && j.File == path
}
