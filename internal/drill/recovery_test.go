package drill

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// TestRecoveryJSON holds the shape of a report of a cluster that was broken.
func TestRecoveryJSON(t *testing.T) {
	r := restored()
	text, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "recovery.json", append(text, '\n'))
}

func TestRecovery(t *testing.T) {
	r := restored()
	if b := r.Recovery; b.Broke != 14 || b.Writes != 12 || b.Resumed != 26.02 || b.Whole != 20 || b.Unending {
		t.Errorf("%+v", b)
	}
	if l := r.Loss; l.Seconds != 4.25 || r.Window() != "9 writes of the last 4.2 s before" {
		t.Errorf("%+v, %s", l, r.Window())
	}
	if !r.Met {
		t.Errorf("missed %+v", r.Missed())
	}
}

func TestRecoveryGoals(t *testing.T) {
	well := func(name string) Report {
		r := *restored()
		r.Drill = name
		return r
	}
	for name, c := range map[string]struct {
		drill  string
		spoil  func(*Report)
		missed string
	}{
		"a restore":                 {"etcd-restore", func(*Report) {}, ""},
		"a lost quorum":             {"quorum-loss", func(*Report) {}, ""},
		"too long for a leader":     {"leader-loss", func(*Report) {}, "writes again, API: outages"},
		"too long for a node":       {"node-loss", func(*Report) {}, "writes again, API: outages"},
		"a leader":                  {"leader-loss", func(r *Report) { r.Recovery.Writes, r.API.Outage = 2.9, 2.9 }, ""},
		"nothing was broken":        {"leader-loss", func(r *Report) { r.Recovery, r.API.Outage = nil, 0 }, "recovery"},
		"no write ever again":       {"etcd-restore", func(r *Report) { r.Recovery.Unending = true }, "writes again"},
		"never whole":               {"quorum-loss", func(r *Report) { r.Recovery.Whole = 0 }, "whole again"},
		"a revision from before":    {"etcd-restore", func(r *Report) { r.Writes.Backwards = []string{"x"} }, "revisions"},
		"a watch that saw no break": {"etcd-restore", func(r *Report) { r.Watch.Relists = 0 }, "watch from before"},
		"that may be":               {"disk-full", func(r *Report) { r.Watch.Relists, r.Recovery.Writes, r.API.Outage = 0, 0, 0 }, ""},
		"a lost write":              {"etcd-restore", func(r *Report) { r.Writes.Lost = []string{"x"} }, "acknowledged writes"},
		"a Service that went away":  {"etcd-restore", func(r *Report) { r.Service.Outage = 2 }, "Service: outages"},
	} {
		t.Run(name, func(t *testing.T) {
			r := well(c.drill)
			broken := *r.Recovery
			r.Recovery = &broken
			c.spoil(&r)
			r.judge()
			var missed []string
			for _, g := range r.Missed() {
				missed = append(missed, g.Name)
			}
			if got := strings.Join(missed, ", "); got != c.missed {
				t.Errorf("missed %q, want %q", got, c.missed)
			}
		})
	}
}

// TestWritesAgain: what waits counts like what fails, from the break at the earliest, and a hiccup does not.
func TestWritesAgain(t *testing.T) {
	write := func(at, took float64) Sample { return Sample{Kind: Write, At: at, Seconds: took} }
	failed := func(at float64, r Retry) Sample {
		return Sample{Kind: Write, At: at, Seconds: .1, Error: "no", Retry: &r}
	}
	for name, c := range map[string]struct {
		samples         []Sample
		writes, resumed float64
		unending        bool
	}{
		"all the time":        {[]Sample{write(9, .1), write(10, .1), write(10.5, .1), write(11, .4)}, 0, 0, false},
		"one waits":           {[]Sample{write(9, .1), write(10, 2), write(10.5, 1.6), write(13, .1)}, 2, 12, false},
		"one fails, and goes": {[]Sample{write(9, .1), failed(10.5, Retry{Seconds: 1.5}), write(12.5, .1)}, 2, 12, false},
		"some go first":       {[]Sample{write(10, .1), write(11, .1), failed(12, Retry{Seconds: 1.1, Error: "no"}), write(15, .1), write(15.5, .1)}, 4, 15.1, false},
		"what was before":     {[]Sample{write(1, .1), write(10, .1), write(10.5, .1)}, 0, 0, false},
		"none any more":       {[]Sample{write(10, .1), failed(12, Retry{Seconds: 5, Error: "no"})}, 6.9, 0, true},
		"none at all":         {[]Sample{failed(12, Retry{Seconds: 5, Error: "no"})}, 7, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			r := &Report{Samples: c.samples, Recovery: &Recovery{Broke: 10}}
			r.reckon()
			if b := r.Recovery; b.Writes != c.writes || b.Resumed != c.resumed || b.Unending != c.unending {
				t.Errorf("%+v", b)
			}
		})
	}
}

// TestCutNodesAreNotMeasured: polls through a node that nobody reaches say nothing of the Service, and those through others do.
func TestCutNodesAreNotMeasured(t *testing.T) {
	c := &clock{}
	c.to(0)
	rec := newRecorder(c.read)
	c.to(10)
	rec.Broke("cut off", true, "cp-1")
	c.to(20)
	rec.Mended()
	c.to(25)
	rec.Whole()
	for _, at := range []float64{5, 12, 24, 30} {
		for _, n := range []string{"cp-1", "w-1"} {
			rec.Add(Sample{Kind: Poll, Node: n, At: at, Seconds: 1, Error: "no"})
		}
	}
	r := rec.Report(Report{Drill: "node-loss"})
	for _, s := range r.Samples {
		if want := s.Node == "cp-1" && s.At > 10 && s.At < 25; s.Unmeasured != want {
			t.Errorf("%s at %g: unmeasured %t", s.Node, s.At, s.Unmeasured)
		}
	}
	if b := r.Recovery; b.Mended != 20 || b.Whole != 15 {
		t.Errorf("%+v", b)
	}
}

// TestRecoveryPage: the page tells of the break and marks it.
func TestRecoveryPage(t *testing.T) {
	var b bytes.Buffer
	if err := restored().HTML(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"etcd went back to a snapshot", "cp-1, cp-2, cp-3", "12.00 s", "20.0 s", "data-loss window: 9 writes of the last 4.2 s before",
		`class="mark hurt"`, `class="mark healed"`, ">broken</text>", ">writes again</text>", ">whole again</text>", "from 5120 to 1000005301",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the page says nothing of %q", want)
		}
	}
}
