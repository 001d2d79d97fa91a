package event

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// collect keeps what it is given. It is not safe for concurrent use.
type collect []Event

func (c *collect) Emit(e Event) { *c = append(*c, e) }

func TestRoundTrip(t *testing.T) {
	sent := collect{
		{Time: time.Date(2026, 3, 1, 12, 0, 0, 5, time.UTC), Kind: Progress, Node: "cp-1", Stage: "payload", Subject: "payload", Done: 1 << 40, Total: 1 << 41},
		{Time: time.Date(2026, 3, 1, 12, 0, 1, 0, time.UTC), Kind: Failed, Message: "two\nlines, \"quotes\", <html> & é\u2028"},
	}
	var wire bytes.Buffer
	enc := NewEncoder(&wire)
	for _, e := range sent {
		enc.Emit(e)
	}
	if n := strings.Count(wire.String(), "\n"); n != len(sent) {
		t.Fatalf("%d lines for %d events:\n%s", n, len(sent), wire.String())
	}
	var got collect
	if err := Decode(&wire, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(sent, got); diff != "" {
		t.Error(diff)
	}
}

// TestEncoderKeepsLinesWhole: events come from many goroutines at once.
func TestEncoderKeepsLinesWhole(t *testing.T) {
	r, w := io.Pipe()
	enc := NewEncoder(w)
	const each, writers = 50, 8
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			for j := range each {
				enc.Emit(Event{Kind: Done, Subject: fmt.Sprint(i, " ", j), Message: strings.Repeat("x", 1000)})
			}
		})
	}
	go func() { wg.Wait(); w.Close() }()
	var got collect
	if err := Decode(r, &got); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, e := range got {
		if e.Time.IsZero() {
			t.Errorf("%s has no time", e.Subject)
		}
		seen[e.Subject] = true
	}
	if len(seen) != each*writers {
		t.Errorf("%d different events of %d", len(seen), each*writers)
	}
}

func TestDecode(t *testing.T) {
	long := `{"kind":"done","message":"` + strings.Repeat("x", 1<<20) + `"}`
	cut := errors.New("the cable was cut")
	for name, test := range map[string]struct {
		in   io.Reader
		want int // events before the end or the error
		err  string
	}{
		"nothing":               {strings.NewReader(""), 0, ""},
		"empty lines":           {strings.NewReader("\n{\"kind\":\"done\"}\n\n{\"kind\":\"done\"}"), 2, ""},
		"a long line":           {strings.NewReader(long + "\n"), 1, ""},
		"a longer one":          {strings.NewReader(strings.Repeat(long, 5)), 0, "token too long"},
		"a panic":               {strings.NewReader("{\"kind\":\"done\"}\npanic: runtime error\n\ngoroutine 1"), 1, `not an event: "panic: runtime error"`},
		"another JSON":          {strings.NewReader(`{"level":"info"}`), 0, `not an event: "{\"level\":\"info\"}"`},
		"a much too long quote": {strings.NewReader(strings.Repeat("y", 500)), 0, `"` + strings.Repeat("y", 120) + `"`},
		"a cut":                 {io.MultiReader(strings.NewReader("{\"kind\":\"done\"}\n"), iotest.ErrReader(cut)), 1, cut.Error()},
		"cut within":            {strings.NewReader("{\"kind\":\"done\"}\n{\"kind\":\"do"), 1, "not an event"},
	} {
		var got collect
		err := Decode(test.in, &got)
		if len(got) != test.want {
			t.Errorf("%s: %d events, want %d", name, len(got), test.want)
		}
		switch {
		case test.err == "" && err != nil, test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)):
			t.Errorf("%s: error %v, want %q", name, err, test.err)
		}
	}
}

// TestOn: what an event says of itself stands; what it leaves open is filled in, by the nearest first.
func TestOn(t *testing.T) {
	var got collect
	outer := On(&got, "", "apply")
	inner := On(outer, "cp-1", "payload")
	inner.Emit(Event{Kind: Done})
	inner.Emit(Event{Kind: Done, Node: "w-1", Stage: "facts"})
	outer.Emit(Event{Kind: Done})
	want := []string{"cp-1 payload", "w-1 facts", " apply"}
	for i, e := range got {
		if s := e.Node + " " + e.Stage; s != want[i] {
			t.Errorf("event %d: %q, want %q", i, s, want[i])
		}
		if e.Time.IsZero() {
			t.Errorf("event %d has no time", i)
		}
	}
	Discard.Emit(Event{}) // must not fail
}

func TestTimeIsKept(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	var got Event
	SinkFunc(func(e Event) { got = e }).Emit(Event{Time: at})
	if !got.Time.Equal(at) {
		t.Errorf("%s became %s", at, got.Time)
	}
}
