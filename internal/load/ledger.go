package load

import (
	"fmt"
	"slices"
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
	return e, e.attempted
}

// acknowledge notes what the API said it keeps, and lets the object be written again.
func (l *ledger) acknowledge(e *entry, number int64, uid types.UID, version string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e.uid, e.version, e.acked = uid, version, number
	l.acks[ack{e.name, number}] = time.Now()
	l.idle = append(l.idle, e)
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
		if e := l.entries[l.readers%len(l.entries)]; e.acked > 0 {
			return *e, true
		}
	}
	return entry{}, false
}

// misread notes a read that gave less than had been acknowledged before it began.
func (l *ledger) misread(what string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stale = append(l.stale, what)
}

// snapshot is the ledger as it stands.
func (l *ledger) snapshot() (entries []entry, acks map[ack]time.Time, unknown int, stale []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.entries {
		entries = append(entries, *e)
	}
	acks = make(map[ack]time.Time, len(l.acks))
	for a, at := range l.acks {
		acks[a] = at
	}
	return entries, acks, l.unknown, slices.Clone(l.stale)
}
