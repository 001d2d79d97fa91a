package load

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// entry is one object with the numbers that were written to it. Only one write of it is under way at a time.
type entry struct {
	name      string
	uid       types.UID // once a write was acknowledged
	version   string    // resource version of the last acknowledged write
	acked     int64     // number that was acknowledged last; 0: none
	attempted int64     // number that was sent last
	floor     int64     // the latest revision that was acknowledged when it was sent
	era       int       // of its last acknowledged write
}

// ack is one write that the API acknowledged.
type ack struct {
	name   string
	number int64
}

// ledger remembers all that was written. Safe for concurrent use.
type ledger struct {
	mu      sync.Mutex
	entries []*entry
	idle    []*entry // that can be written
	readers int
	acks    map[ack]time.Time
	unknown int
	stale   []string

	latest    int64 // revision that was acknowledged
	backwards []string

	// Each time that the cluster is brought back from what it was earlier, an era begins. What was acknowledged in one before, until
	// kept, has to be there all the same.
	era           int
	kept          time.Time
	before, after int64 // the latest revision before the era, and the first in it
}

func newLedger() *ledger { return &ledger{acks: map[ack]time.Time{}} }

// renewal is how many writes there are to one that creates an object instead of changing one.
const renewal = 10

// take gives an object to be written next and the number to write: now and then a new one, and else the one that has been
// idle for longest.
func (l *ledger) take(n int) (*entry, int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var e *entry
	if n%renewal == 0 || len(l.idle) == 0 {
		e = &entry{name: fmt.Sprintf("write-%05d", len(l.entries)+1)}
		l.entries = append(l.entries, e)
	} else {
		e, l.idle = l.idle[0], l.idle[1:]
	}
	e.attempted++
	e.floor = l.latest
	return e, e.attempted
}

// acknowledge notes what the API said it keeps, and lets the object be written again.
func (l *ledger) acknowledge(e *entry, number int64, uid types.UID, version string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e.uid, e.version, e.acked, e.era = uid, version, number, l.era
	l.follow(e)
	l.acks[ack{e.name, number}] = time.Now()
	l.idle = append(l.idle, e)
}

// follow holds the revision of an acknowledged write against those that were known when it was sent.
func (l *ledger) follow(e *entry) {
	revision, err := strconv.ParseInt(e.version, 10, 64)
	if err != nil {
		return // nothing says that they are numbers; all servers that there are have such
	}
	if revision <= e.floor {
		l.backwards = append(l.backwards, fmt.Sprintf("%s number %d was acknowledged at revision %d, after one at %d", e.name, e.acked, revision, e.floor))
	}
	if l.era > 0 && l.after == 0 {
		l.after = revision
	}
	l.latest = max(l.latest, revision)
}

// rewind begins an era: objects from before are neither written nor read any more.
func (l *ledger) rewind(kept time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.era, l.kept, l.idle, l.before, l.after = l.era+1, kept, nil, l.latest, 0
}

// abandon leaves an object of which nobody knows whether the last write was taken: it may yet be.
func (l *ledger) abandon() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.unknown++
}

// pick gives an acknowledged object to read, as it was by now, in turn; false where there is none yet.
func (l *ledger) pick() (entry, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for range l.entries {
		l.readers++
		if e := l.entries[l.readers%len(l.entries)]; e.acked > 0 && e.era == l.era {
			return *e, true
		}
	}
	return entry{}, false
}

// misread notes a read that gave less than had been acknowledged before it began, in the same era.
func (l *ledger) misread(e entry, what string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e.era != l.era {
		return
	}
	l.stale = append(l.stale, what)
}

// account is the ledger as it stands.
type account struct {
	entries   []entry
	acks      map[ack]time.Time
	unknown   int
	stale     []string
	backwards []string

	era           int
	kept          time.Time
	before, after int64
}

func (l *ledger) snapshot() account {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := account{
		acks: maps.Clone(l.acks), unknown: l.unknown, stale: slices.Clone(l.stale), backwards: slices.Clone(l.backwards),
		era: l.era, kept: l.kept, before: l.before, after: l.after,
	}
	for _, e := range l.entries {
		out.entries = append(out.entries, *e)
	}
	return out
}
