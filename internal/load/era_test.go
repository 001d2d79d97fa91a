package load

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// wrote has the ledger take and acknowledge one write.
func (l *ledger) wrote(n int, revision string) *entry {
	e, number := l.take(n)
	l.acknowledge(e, number, types.UID("of "+e.name), revision)
	return e
}

// TestOutlived: what was acknowledged before the snapshot has to be there, what came later is counted, and what begins anew is verified
// as ever.
func TestOutlived(t *testing.T) {
	l := newLedger()
	kept := l.wrote(0, "10")
	older := l.wrote(10, "11")
	gone := l.wrote(20, "12")
	time.Sleep(time.Millisecond)
	snapshot := time.Now()
	time.Sleep(time.Millisecond)
	l.wrote(1, "13") // kept's second
	late := l.wrote(30, "14")
	l.rewind(snapshot)
	if _, ok := l.pick(); ok {
		t.Error("what is from before is read")
	}
	fresh := l.wrote(1, "1000")
	if fresh == kept || fresh == older || fresh == late {
		t.Errorf("%s is from before, and was written", fresh.name)
	}
	all := l.snapshot()
	there := []corev1.ConfigMap{written(kept.name, "of "+kept.name, "1"), written(fresh.name, "of "+fresh.name, "1")}
	began := snapshot.Add(-time.Second)
	lost, loss := all.outlived(there, func(at time.Time) float64 { return at.Sub(began).Round(time.Second).Seconds() })
	want := []string{
		older.name + ": number 1 was acknowledged before what the cluster was brought back from, and it holds 0",
		gone.name + ": number 1 was acknowledged before what the cluster was brought back from, and it holds 0",
	}
	if d := cmp.Diff(want, lost); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(&Loss{Writes: 2, First: 1, Before: 14, After: 1000}, loss); d != "" {
		t.Error(d)
	}
	if again := verified(all.ofEra(), there); len(again) != 0 || len(all.ofEra()) != 1 {
		t.Errorf("of this era: %v", again)
	}
	if _, expected := all.acks[ack{kept.name, 2}]; expected {
		t.Error("nobody can see what is lost by design, and it is looked for")
	}
	if len(all.backwards) != 0 {
		t.Errorf("%v", all.backwards)
	}
}

// TestRevisionsGoBack: a write that is acknowledged with a revision from before one that was known when it was sent is found out, and
// one that was sent together with it is not.
func TestRevisionsGoBack(t *testing.T) {
	l := newLedger()
	a, _ := l.take(0)
	b, _ := l.take(0)
	l.acknowledge(b, 1, "b", "11")
	l.acknowledge(a, 1, "a", "10")
	if all := l.snapshot(); len(all.backwards) != 0 {
		t.Errorf("%v", all.backwards)
	}
	l.rewind(time.Now())
	l.wrote(0, "7")
	if all := l.snapshot(); len(all.backwards) != 1 {
		t.Errorf("%v", all.backwards)
	}
}

// TestListsCountAsSeen: who had to list anew knows what is there, and nobody tells him what was in between.
func TestListsCountAsSeen(t *testing.T) {
	w := &watcher{seen: map[ack]time.Time{}, listed: map[string]int64{"write-1": 3}}
	now := time.Now()
	got := w.compared(map[ack]time.Time{{"write-1", 2}: now, {"write-1", 4}: now, {"write-2", 1}: now})
	if d := cmp.Diff([]string{"write-1 number 4", "write-2 number 1"}, got.Missed); d != "" || got.Seen != 1 {
		t.Errorf("%d seen\n%s", got.Seen, d)
	}
}
