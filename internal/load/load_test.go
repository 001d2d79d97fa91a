package load

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/slipway/slipway/internal/drill"
)

// TestPaceIsAnOpenLoop: calls that never seem to end delay no other, and are waited for.
func TestPaceIsAnOpenLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second-time.Millisecond)
		defer cancel()
		begin := time.Now()
		var calls, ended atomic.Int32
		pace(ctx, 20, 0, drill.NewRecorder(), func(n int, due time.Time) {
			if at := due.Sub(begin); (at - time.Duration(n)*50*time.Millisecond).Abs() > time.Microsecond {
				t.Errorf("call %d was due after %s", n, at)
			}
			if late := time.Since(due); late != 0 {
				t.Errorf("call %d came %s late", n, late)
			}
			calls.Add(1)
			time.Sleep(30 * time.Second)
			ended.Add(1)
		})
		if calls.Load() != 200 || ended.Load() != 200 {
			t.Errorf("%d calls, %d ended", calls.Load(), ended.Load())
		}
	})
}

// TestAttempt: what fails is tried once more a second later, counted from when the first was due.
func TestAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rec := drill.NewRecorder()
		due := time.Now()
		time.Sleep(100 * time.Millisecond) // this side was busy
		var tries int
		got := attempt(t.Context(), rec, drill.Sample{Kind: drill.Read}, due, func(_ context.Context, again bool) error {
			tries++
			time.Sleep(200 * time.Millisecond)
			if !again {
				return errors.New("no")
			}
			return nil
		})
		want := drill.Sample{Kind: drill.Read, Seconds: 0.3, Error: "no", Retry: &drill.Retry{Seconds: 1.5}}
		if d := cmp.Diff(want, got); d != "" || tries != 2 {
			t.Errorf("%d tries\n%s", tries, d)
		}
		got = attempt(t.Context(), rec, drill.Sample{Kind: drill.Read}, time.Now(), func(ctx context.Context, _ bool) error { <-ctx.Done(); return ctx.Err() })
		if got.Seconds != 5 || got.Retry.Seconds != 11 || got.Retry.Error == "" {
			t.Errorf("without an answer: %+v, %+v", got, got.Retry)
		}
	})
}

func TestVerified(t *testing.T) {
	entries := []entry{
		{name: "kept", uid: "1", acked: 3, attempted: 3},
		{name: "ahead", uid: "2", acked: 3, attempted: 4}, // the last write failed twice and was taken nevertheless
		{name: "never", attempted: 1},
		{name: "gone", uid: "4", acked: 1, attempted: 1},
		{name: "older", uid: "5", acked: 3, attempted: 3},
		{name: "other", uid: "6", acked: 1, attempted: 1},
		{name: "odd", uid: "7", acked: 1, attempted: 1},
	}
	there := []corev1.ConfigMap{written("kept", "1", "3"), written("ahead", "2", "4"), written("older", "5", "2"), written("other", "9", "1"), written("odd", "7", "5")}
	want := []string{
		"gone: number 1 was acknowledged, and it is gone",
		"older: number 3 was acknowledged, and it holds 2",
		"other: uid 6 was acknowledged, and it is 9",
		"odd: number 1 was the last that was sent, and it holds 5",
	}
	if d := cmp.Diff(want, verified(entries, there)); d != "" {
		t.Error(d)
	}
}

func written(name, uid, number string) corev1.ConfigMap {
	return corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name, UID: types.UID(uid)}, Data: map[string]string{numberKey: number}}
}

// TestLedgerWritesOneAtATime: an object whose write is under way, or whose fate nobody knows, is not written.
func TestLedgerWritesOneAtATime(t *testing.T) {
	l := newLedger()
	a, n := l.take(1)
	b, _ := l.take(2)
	if a == b || n != 1 {
		t.Fatalf("%+v %+v", a, b)
	}
	if _, ok := l.pick(); ok {
		t.Error("read what was never acknowledged")
	}
	l.acknowledge(a, 1, "u", "10")
	l.abandon() // b
	if again, n := l.take(3); again != a || n != 2 {
		t.Errorf("%+v %d", again, n)
	}
	if c, n := l.take(4); c == a || c == b || n != 1 {
		t.Errorf("%+v %d", c, n)
	}
	if e, ok := l.pick(); !ok || e.name != a.name {
		t.Errorf("read %+v", e)
	}
	all := l.snapshot()
	if len(all.entries) != 3 || len(all.acks) != 1 || all.unknown != 1 {
		t.Errorf("%d entries, %d acknowledged, %d unknown", len(all.entries), len(all.acks), all.unknown)
	}
}

func TestCompareInventories(t *testing.T) {
	early := time.Date(2026, 3, 14, 9, 0, 0, 0, time.UTC)
	late := early.Add(time.Hour)
	one, two := [32]byte{1}, [32]byte{2}
	before := Inventory{
		"ConfigMap a/same":      {uid: "1", version: "1", content: one, writer: "kubectl", written: early},
		"ConfigMap a/gone":      {uid: "2", version: "1", content: one},
		"ConfigMap a/anew":      {uid: "3", version: "1", content: one},
		"Secret a/silently":     {uid: "4", version: "1", content: one, writer: "kubectl", written: early},
		"ConfigMap a/edited":    {uid: "5", version: "1", content: one, writer: "kubectl", written: early},
		"Deployment k/coredns":  {uid: "6", version: "1", content: one, byName: true},
		"Deployment k/flannel":  {uid: "7", version: "1", content: one, byName: true},
		"ConfigMap a/relabeled": {uid: "8", version: "1", content: one, writer: "kubectl", written: early},
	}
	after := Inventory{
		"ConfigMap a/same":      {uid: "1", version: "1", content: one, writer: "kubectl", written: early},
		"ConfigMap a/anew":      {uid: "33", version: "9", content: one},
		"Secret a/silently":     {uid: "4", version: "1", content: two, writer: "kubectl", written: early},
		"ConfigMap a/edited":    {uid: "5", version: "2", content: two, writer: "helm", written: late},
		"Deployment k/coredns":  {uid: "6", version: "2", content: two, byName: true},
		"Deployment k/flannel":  {uid: "7", version: "1", content: one, byName: true},
		"ConfigMap a/relabeled": {uid: "8", version: "2", content: one, writer: "kubectl", written: late},
		"ConfigMap a/new":       {uid: "9"},
	}
	want := drill.Objects{
		Compared: 8, ByDesign: 1,
		Lost:    []string{"ConfigMap a/anew: another object has its name, with uid 33", "ConfigMap a/gone: gone"},
		Changed: []string{"Secret a/silently: holds something else, and nobody wrote it"},
		Others:  []string{"ConfigMap a/edited, by helm"},
	}
	if d := cmp.Diff(want, before.Compare(after)); d != "" {
		t.Error(d)
	}
}
