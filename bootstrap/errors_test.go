package bootstrap

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/preflight"
)

func TestNodeErrorNamesTheMachineOnce(t *testing.T) {
	cause := errors.New("no")
	for _, test := range []struct{ node, text, want string }{
		{"w-1", "read facts: no", "w-1: read facts: no"},
		{"w-1", "w-1: read facts: no", "w-1: read facts: no"},
		{"w-1", "w-1 (10.0.0.21:22): TCP connect: no", "w-1 (10.0.0.21:22): TCP connect: no"},
		{"w-1", "w-10 (10.0.0.30:22): TCP connect: no", "w-1: w-10 (10.0.0.30:22): TCP connect: no"},
		{"read", "read facts: no", "read: read facts: no"},
	} {
		err := &NodeError{test.node, fmt.Errorf("%s%w", strings.TrimSuffix(test.text, "no"), cause)}
		if err.Error() != test.want || err.Node() != test.node || !errors.Is(err, cause) {
			t.Errorf("%q, want %q", err, test.want)
		}
	}
}

func TestUnfitError(t *testing.T) {
	err := &UnfitError{preflight.Finding{Node: "w-1", What: "the disk is full", Remedy: "buy another"}}
	if err.Error() != "w-1: the disk is full" || err.Node() != "w-1" || err.Remedy() != "buy another" {
		t.Errorf("%q of %q: %q", err, err.Node(), err.Remedy())
	}
}

// TestEach: one machine's failure stops no other, and all failures are told, by name.
func TestEach(t *testing.T) {
	r := newRun(t)
	var ran atomic.Int32
	broken := errors.New("broken")
	err := each(r.machines, func(m *machine) error {
		ran.Add(1)
		if m.node.Name == "cp-1" {
			return nil
		}
		return broken
	})
	if ran.Load() != 3 || !errors.Is(err, broken) || err.Error() != "lb-1: broken\nw-1: broken" {
		t.Errorf("%d ran: %v", ran.Load(), err)
	}
	if err := each(r.machines, func(*machine) error { return nil }); err != nil {
		t.Errorf("without a failure: %v", err)
	}
}

// TestStagesTellTheirEnds: whoever follows must see each machine and the stage itself begin and end.
func TestStagesTellTheirEnds(t *testing.T) {
	r, seen := newRun(t), &log{}
	r.Sink = seen
	err := r.eachStage("payload", r.machines, func(m *machine, sink event.Sink) error {
		sink.Emit(event.Event{Kind: event.Progress, Subject: "payload"})
		if m.node.Name == "w-1" {
			return errors.New("broken")
		}
		return nil
	})
	if err == nil || err.Error() != "w-1: broken" {
		t.Errorf("%v", err)
	}
	var got []string
	for _, e := range seen.events {
		if e.Stage != "payload" {
			t.Errorf("stage %q of %+v", e.Stage, e)
		}
		got = append(got, e.Node+" "+string(e.Kind))
	}
	for _, want := range []string{" started", "cp-1 started", "cp-1 progress", "cp-1 done", "lb-1 done", "w-1 failed", " failed"} {
		if !slices.Contains(got, want) {
			t.Errorf("no %q in %q", want, got)
		}
	}
	if got[0] != " started" || got[len(got)-1] != " failed" || slices.Contains(got, "w-1 done") {
		t.Errorf("%q", got)
	}
	seen.events = nil
	if err := r.eachStage("payload", nil, nil); err != nil || len(seen.events) > 0 {
		t.Errorf("a stage over nothing: %v, %v", err, seen.events)
	}
}
