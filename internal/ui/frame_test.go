package ui

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/slipway/slipway/internal/event"
)

func TestFrames(t *testing.T) {
	events := recorded(t)
	var b strings.Builder
	for _, at := range []time.Duration{200, 1000, 20_000, 27_500, 41_000, 46_000, 48_500, 50_000} {
		at *= time.Millisecond
		v := view{look: newLook(false, true), tracker: after(t, events, machines, at), title: "apply prod",
			now: events[0].Time.Add(at), width: 79, height: 23, over: at > 48*time.Second}
		fmt.Fprintf(&b, "--- after %v\n%s\n", at, strings.Join(v.frame(), "\n"))
	}
	golden(t, "frames.txt", b.String())
}

func TestFrameColours(t *testing.T) {
	events := recorded(t)
	v := view{look: newLook(true, true), tracker: after(t, events, machines, 27500*time.Millisecond), title: "apply prod",
		now: events[0].Time.Add(27500 * time.Millisecond), width: 79, height: 23}
	golden(t, "frame.ansi", strings.ReplaceAll(strings.Join(v.frame(), "\n"), "\x1b", "␛")+"\n")
}

// No frame is larger than its terminal, at no moment and at no size.
func TestFrameFits(t *testing.T) {
	events := recorded(t)
	var many []string
	for i := range 60 {
		many = append(many, fmt.Sprintf("node-with-a-long-name-%02d.example.org", i))
	}
	for _, nodes := range [][]string{machines, many} {
		for at := time.Duration(0); at < 50*time.Second; at += 1300 * time.Millisecond {
			tr := after(t, events, nodes, at)
			for _, dim := range [][2]int{{79, 23}, {minWidth - 1, minHeight - 1}, {200, 60}, {20, 4}} {
				v := view{look: newLook(true, true), tracker: tr, title: "apply prod",
					now: events[0].Time.Add(at), width: dim[0], height: dim[1]}
				lines := v.frame()
				if len(lines) > dim[1] {
					t.Fatalf("%d lines in %d rows after %v", len(lines), dim[1], at)
				}
				for _, line := range lines {
					if w := ansi.StringWidth(line); w > dim[0] {
						t.Fatalf("%d columns in %d after %v: %q", w, dim[0], at, line)
					}
					if strings.Contains(line, "\n") {
						t.Fatalf("a line end in a line: %q", line)
					}
				}
			}
		}
	}
}

// What is busy or broken is seen when not all nodes fit.
func TestFrameShowsWhatMatters(t *testing.T) {
	now := time.Now()
	var nodes []string
	for i := range 60 {
		nodes = append(nodes, fmt.Sprintf("w-%02d", i))
	}
	tr := newTracker(nodes, now)
	for _, n := range nodes {
		tr.take(event.Event{Kind: event.Started, Node: n, Stage: "payload"}, now)
		if n != "w-57" {
			tr.take(event.Event{Kind: event.Done, Node: n, Stage: "payload"}, now)
		}
	}
	tr.take(event.Event{Kind: event.Failed, Node: "w-33", Stage: "join", Message: "disk full"}, now)
	v := view{look: newLook(false, true), tracker: tr, title: "apply", now: now, width: 79, height: 15}
	frame := strings.Join(v.frame(), "\n")
	for _, want := range []string{"w-33", "disk full", "w-57", "nodes more"} {
		if !strings.Contains(frame, want) {
			t.Errorf("no %q in\n%s", want, frame)
		}
	}
}

// Text from machines cannot steer the terminal.
func TestFrameIsHarmless(t *testing.T) {
	now := time.Now()
	tr := newTracker(nil, now)
	evil := "a\x1b]0;title\x07\x1b[2Jb\rc\n\x00d\u0085"
	for _, k := range []event.Kind{event.Started, event.Waiting, event.Warning, event.Failed} {
		tr.take(event.Event{Kind: k, Node: "cp-1", Stage: "join", Subject: evil, Message: evil}, now)
		v := view{look: newLook(false, true), tracker: tr, title: "apply", now: now, width: 79, height: 23}
		if frame := strings.Join(v.frame(), ""); strings.ContainsAny(frame, "\x1b\x07\r\x00\n\u0085") {
			t.Errorf("%s: control characters in %q", k, frame)
		}
	}
}
