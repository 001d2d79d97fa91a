package ui

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway/slipway/internal/event"
)

func TestLines(t *testing.T) {
	events := recorded(t)
	var b bytes.Buffer
	var now time.Time
	at := func() time.Time { return now }
	now = events[0].Time
	f := newLineFeed(plain(&b), Course{Title: "apply prod", Nodes: machines}, at)
	for _, e := range events {
		now = e.Time
		f.Emit(e)
	}
	now = now.Add(time.Second)
	for _, e := range []event.Event{
		{Kind: event.Started, Node: "w-2", Stage: "join"},
		{Kind: event.Warning, Node: "w-2", Stage: "join", Message: "a long story\nof two \x1b[31mlines\x1b[0m"},
		{Kind: event.Failed, Node: "w-2", Stage: "join", Subject: "unit kubelet.service", Message: "exit status 1"},
		{Kind: event.Failed, Node: "w-2", Stage: "join", Message: "w-2 (10.0.0.22:22): unit kubelet.service: exit status 1"},
		{Kind: event.Failed, Stage: "join", Message: "w-2 (10.0.0.22:22): unit kubelet.service: exit status 1"},
		{Kind: event.Started, Node: "w-2", Stage: "join"},
		{Kind: event.Failed, Node: "w-2", Stage: "join", Message: "failed again"},
	} {
		now = now.Add(time.Second)
		f.Emit(e)
	}
	f.Close()
	golden(t, "lines.txt", b.String())
}

// Progress may be told every millisecond; its lines are five seconds apart.
func TestLinesAreFew(t *testing.T) {
	var b bytes.Buffer
	now := time.Date(2026, 3, 14, 10, 0, 0, 0, time.UTC)
	f := newLineFeed(plain(&b), Course{}, func() time.Time { return now })
	for i := range 10_000 {
		now = now.Add(time.Millisecond)
		f.Emit(event.Event{Kind: event.Progress, Node: "cp-1", Stage: "payload", Done: int64(i), Total: 10_000})
		f.Emit(event.Event{Kind: event.Waiting, Node: "cp-2", Stage: "etcd", Message: "no leader"})
	}
	if n := strings.Count(b.String(), "payload"); n != 2 {
		t.Errorf("%d lines of progress in ten seconds, want 2:\n%s", n, b.String())
	}
	if n := strings.Count(b.String(), "no leader"); n != 1 {
		t.Errorf("%d lines of one condition in ten seconds, want 1", n)
	}
}

// A failure is told once: when it comes, that there is one, and why in the error at the end.
func TestFailuresAreToldOnce(t *testing.T) {
	o, _, stderr := output(Text)
	f := o.Follow(Course{Title: "apply prod"})
	err := errors.New("w-2: unit kubelet.service: exit status 1")
	for _, node := range []string{"w-2", "w-2", ""} {
		f.Emit(event.Event{Kind: event.Failed, Node: node, Stage: "join", Message: err.Error()})
	}
	f.Close()
	o.Error(err)
	got := stderr.String()
	if strings.Count(got, "exit status 1") != 1 || strings.Count(got, "FAILED") != 2 || !strings.HasSuffix(got, "Error: "+err.Error()+"\n") {
		t.Error(got)
	}
}

// TestBundleLines: a part is told of when it begins and when it ends, and in between every half minute.
func TestBundleLines(t *testing.T) {
	var b bytes.Buffer
	began := time.Date(2026, 3, 14, 10, 0, 0, 0, time.UTC)
	now := began
	f := newLineFeed(plain(&b), Course{Title: "bundle 1.36.3"}, func() time.Time { return now })
	f.Emit(event.Event{Kind: event.Started, Subject: "part kube"})
	for n := range int64(40) {
		now = began.Add(time.Duration(n) * 5 * time.Second)
		f.Emit(event.Event{Kind: event.Progress, Subject: "part kube", Message: fmt.Sprintf("%d packages compiled, last k8s.io/api", 10*n), Done: n})
	}
	for _, e := range []event.Event{
		{Kind: event.Done, Subject: "part kube", Message: "1.36.3, not cached"},
		{Kind: event.Started, Subject: "part etcd"}, {Kind: event.Done, Subject: "part etcd", Message: "3.6.14, cached"},
		{Kind: event.Started, Subject: "blobs"},
		{Kind: event.Progress, Subject: "blobs", Message: "binary kube", Done: 1, Total: 2},
		{Kind: event.Progress, Subject: "blobs", Message: "binary ctr", Done: 2, Total: 2},
		{Kind: event.Done, Subject: "blobs", Message: "2 compressed"},
	} {
		now = now.Add(time.Second)
		f.Emit(e)
	}
	golden(t, "lines-bundle.txt", b.String())
}

func TestTimes(t *testing.T) {
	tr := after(t, recorded(t), machines, time.Hour)
	var b bytes.Buffer
	golden(t, "times.txt", plain(&b).timeTable(tr.times(tr.began.Add(time.Hour))))
}

func TestJSONFeed(t *testing.T) {
	sent := recorded(t)
	o, stdout, stderr := output(JSON)
	f := o.Follow(Course{Title: "apply prod"})
	for _, e := range sent {
		f.Emit(e)
	}
	f.Emit(event.Event{Kind: event.Done, Stage: "objects"})
	f.Close()
	var got []event.Event
	if err := event.Decode(stdout, event.SinkFunc(func(e event.Event) { got = append(got, e) })); err != nil {
		t.Fatal(err)
	}
	if got[len(got)-1].Time.IsZero() {
		t.Error("an event without a time was not stamped")
	}
	if d := cmp.Diff(sent, got[:len(got)-1]); d != "" {
		t.Error(d)
	}
	o.Times(f.Times())
	if stderr.Len() > 0 {
		t.Errorf("stderr: %q", stderr)
	}
}

// The answer of a verb that answers stands alone on stdout.
func TestJSONQuery(t *testing.T) {
	o, stdout, stderr := output(JSON)
	f := o.Follow(Course{Title: "status", Query: true})
	f.Emit(event.Event{Kind: event.Started, Stage: "observe"})
	f.Close()
	if err := o.Value(map[string]int{"answer": 42}, nil); err != nil {
		t.Fatal(err)
	}
	var answer map[string]int
	if err := json.Unmarshal(stdout.Bytes(), &answer); err != nil || answer["answer"] != 42 {
		t.Errorf("%v: %q", err, stdout)
	}
	if !strings.Contains(stderr.String(), `"stage":"observe"`) {
		t.Errorf("stderr: %q", stderr)
	}
}
