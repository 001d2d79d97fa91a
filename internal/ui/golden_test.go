package ui

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway/slipway/internal/event"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares got with testdata/name.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s differs (run with -update to accept):\n%s", path, d)
	}
}

// recorded is the events of an apply that went well, with the times they came at.
func recorded(t *testing.T) []event.Event {
	t.Helper()
	f, err := os.Open("testdata/apply.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out []event.Event
	if err := event.Decode(f, event.SinkFunc(func(e event.Event) { out = append(out, e) })); err != nil {
		t.Fatal(err)
	}
	if len(out) < 100 {
		t.Fatalf("only %d events recorded", len(out))
	}
	return out
}

var machines = []string{"cp-1", "cp-2", "cp-3", "w-1", "w-2"}

// plain is a stream that is no terminal.
func plain(w *bytes.Buffer, env ...string) stream {
	return newStream(w, func(name string) string {
		for i := 0; i < len(env); i += 2 {
			if env[i] == name {
				return env[i+1]
			}
		}
		return ""
	})
}

// output is an Output into buffers.
func output(format Format, env ...string) (o *Output, stdout, stderr *bytes.Buffer) {
	stdout, stderr = &bytes.Buffer{}, &bytes.Buffer{}
	return &Output{format, plain(stdout, env...), plain(stderr, env...)}, stdout, stderr
}

// after replays the events of the first d of a course.
func after(t *testing.T, events []event.Event, nodes []string, d time.Duration) *tracker {
	t.Helper()
	began := events[0].Time
	tr := newTracker(nodes, began)
	for _, e := range events {
		if e.Time.Sub(began) <= d {
			tr.take(e, e.Time)
		}
	}
	return tr
}
