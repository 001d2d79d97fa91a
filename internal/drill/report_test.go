package drill

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("%s differs (run with -update to accept):\n%s", path, d)
	}
}

// TestJSON holds the shape that docs/manual/drills.md describes, and that a report survives it.
func TestJSON(t *testing.T) {
	r := upgraded()
	text, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "report.json", append(text, '\n'))
	var back Report
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(r, &back, cmpopts.EquateEmpty(), cmpopts.IgnoreUnexported(Stage{})); d != "" {
		t.Error(d)
	}
}

func TestStagesAreAttributed(t *testing.T) {
	r := upgraded()
	type seen struct {
		label                 string
		requests, failed      int
		twice, slow, polls    int
		apiOutage, serviceOut float64
	}
	var got []seen
	for _, s := range r.Stages {
		got = append(got, seen{s.Label(), s.API.Requests, s.API.Failed, s.API.FailedTwice, s.API.Slow, s.Service.Requests, s.API.Outage, s.Service.Outage})
	}
	want := []seen{
		{"calm before", 16, 0, 0, 0, 24, 0, 0},
		{"payload", 16, 0, 0, 0, 24, 0, 0},
		{"control-planes cp-1", 40, 2, 1, 0, 60, 1.02, 0},
		{"control-planes cp-2", 32, 0, 0, 1, 48, 0, 0},
		{"workers w-1", 36, 0, 0, 0, 53, 0, 1.003},
	}
	if d := cmp.Diff(want, got, cmp.AllowUnexported(seen{}), cmpopts.EquateApprox(0, 1e-6)); d != "" {
		t.Error(d)
	}
	if names := r.Stages[1].Names(); !slices.Equal(names, []string{"cp-1", "cp-2", "w-1"}) {
		t.Errorf("payload worked on %v", names)
	}
	if p := r.Stages[1].Nodes[0]; p.Start != 4 || p.Seconds != 3 {
		t.Errorf("payload on cp-1: %+v", p)
	}
	if s := r.Stages[4]; s.Failed || !s.Nodes[0].Failed {
		t.Errorf("the worker failed, the stage did not: %+v", s)
	}
}

func TestOutages(t *testing.T) {
	good := func(at, took float64) Sample { return Sample{Kind: Read, At: at, Seconds: took} }
	bad := func(at, took float64) Sample { return Sample{Kind: Read, At: at, Seconds: took, Error: "no"} }
	for name, c := range map[string]struct {
		samples []Sample
		want    []Outage
	}{
		"none":                        {[]Sample{good(0, .1), good(1, 4)}, nil},
		"from good to good":           {[]Sample{good(0, .1), bad(1, .1), bad(2, .1), good(3, .5)}, []Outage{{Kind: Read, Start: 0, Seconds: 3.5, Failed: 2, Error: "no"}}},
		"from the beginning":          {[]Sample{bad(1, .1), good(2, .1)}, []Outage{{Kind: Read, Start: 1, Seconds: 1.1, Failed: 1, Error: "no"}}},
		"a slow answer overtaken":     {[]Sample{good(0, .1), bad(1, .1), good(2, 5), good(3, .1), good(4, .1)}, []Outage{{Kind: Read, Start: 0, Seconds: 3.1, Failed: 1, Error: "no"}}},
		"to the end":                  {[]Sample{good(0, .1), bad(1, .1), bad(2, 5)}, []Outage{{Kind: Read, Start: 0, Seconds: 7, Failed: 2, Error: "no", Unending: true}}},
		"a long failure, answered on": {[]Sample{good(0, .1), bad(1, 5), good(1.1, .1)}, []Outage{{Kind: Read, Start: 0, Seconds: 1.2, Failed: 1, Error: "no"}}},
		"of the way, not the Service": {[]Sample{good(0, .1), {Kind: Poll, Node: "n", At: 1, Error: "x", Unmeasured: true}, good(2, .1)}, nil},
		"writes alone": {[]Sample{good(0, .1), {Kind: Write, At: 1, Seconds: .1, Error: "no"}, good(2, .1), {Kind: Write, At: 3, Seconds: .1}},
			[]Outage{{Kind: Write, Start: 1, Seconds: 2.1, Failed: 1, Error: "no"}}},
		"longest first": {[]Sample{good(0, .1), bad(1, .1), good(2, .1), good(3, .1), bad(4, .1), bad(5, .1), good(6, .1)},
			[]Outage{{Kind: Read, Start: 3, Seconds: 3.1, Failed: 2, Error: "no"}, {Kind: Read, Start: 0, Seconds: 2.1, Failed: 1, Error: "no"}}},
	} {
		t.Run(name, func(t *testing.T) {
			if d := cmp.Diff(c.want, outages(c.samples), cmpopts.EquateApprox(0, 1e-6)); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestPercentiles(t *testing.T) {
	var hundred []float64
	for n := range 100 {
		hundred = append(hundred, float64(n+1))
	}
	for _, c := range []struct {
		of            []float64
		p50, p99, max float64
	}{{nil, 0, 0, 0}, {[]float64{7}, 7, 7, 7}, {[]float64{1, 2}, 1, 2, 2}, {hundred, 50, 99, 100}} {
		if a, b, m := percentile(c.of, 50), percentile(c.of, 99), percentile(c.of, 100); a != c.p50 || b != c.p99 || m != c.max {
			t.Errorf("of %d: %g %g %g", len(c.of), a, b, m)
		}
	}
}

// TestFailuresAreNoFastAnswers: a refusal in a millisecond must not make the latencies better, and what nobody ever answered has none.
func TestFailuresAreNoFastAnswers(t *testing.T) {
	f := figures([]Sample{
		{Kind: Read, Seconds: 0.001, Error: "refused", Retry: &Retry{Seconds: 1.2}},
		{Kind: Read, Seconds: 0.001, Error: "refused", Retry: &Retry{Seconds: 6, Error: "timeout"}},
		{Kind: Read, Seconds: 0.001, Error: "refused"},
		{Kind: Poll, Seconds: 9},
	}, apiKinds()...)
	if want := (Figures{Requests: 3, Failed: 3, FailedTwice: 2, P50: 1.2, P99: 1.2, Max: 1.2}); f != want {
		t.Errorf("%+v", f)
	}
}

func TestGoals(t *testing.T) {
	well := func() Report {
		return Report{API: Figures{Requests: 5000, Failed: 4, Outage: 1}, Service: Figures{Requests: 100}, Drill: "upgrade"}
	}
	for name, c := range map[string]struct {
		spoil  func(*Report)
		missed string
	}{
		"all met":            {func(*Report) {}, ""},
		"an outage":          {func(r *Report) { r.API.Outage = 1.01 }, "API: outages"},
		"one in a thousand":  {func(r *Report) { r.API.Failed = 5 }, "API: failed requests"},
		"a retry failed":     {func(r *Report) { r.Service.FailedTwice = 1 }, "Service: failed with one retry"},
		"nothing measured":   {func(r *Report) { r.Service = Figures{} }, "Service: outages"},
		"a lost write":       {func(r *Report) { r.Writes.Lost = []string{"x"} }, "acknowledged writes"},
		"a stale read":       {func(r *Report) { r.Writes.Stale = []string{"x"} }, "acknowledged writes"},
		"writes not checked": {func(r *Report) { r.Writes.Unchecked = "no API" }, "acknowledged writes"},
		"a missed event":     {func(r *Report) { r.Watch.Missed = []string{"x"} }, "events of a watch"},
		"a changed object":   {func(r *Report) { r.Objects.Changed = []string{"x"} }, "objects from before"},
		"a failed upgrade":   {func(r *Report) { r.Failure = "cp-1: no" }, "upgrade"},
	} {
		t.Run(name, func(t *testing.T) {
			r := well()
			c.spoil(&r)
			r.judge()
			var missed []string
			for _, g := range r.Missed() {
				missed = append(missed, g.Name)
			}
			if got := strings.Join(missed, ", "); got != c.missed || r.Met != (c.missed == "") {
				t.Errorf("missed %q, met %t", got, r.Met)
			}
		})
	}
}

// TestPage: the page is whole, draws every lane, tells of every failure, and asks nothing of the network.
func TestPage(t *testing.T) {
	r := upgraded()
	r.Outages[0].Error = `<script>alert("x")</script>`
	var b bytes.Buffer
	if err := r.HTML(&b); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	for _, want := range []string{
		"Kubernetes 1.35.4 → 1.36.3", "6 goals missed", "control-planes cp-1", "etcd leader", "VIP holder", "connection refused", "w-1 cordoned",
		"w-1 not Ready (KubeletNotReady)", "1 not measured", "write-00003: number 7 was acknowledged", "prefers-color-scheme: dark",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page says nothing of %q", want)
		}
	}
	for _, unwanted := range []string{"http://", "https://", "<script", "ZgotmplZ", "NaN", "+Inf", "url(//"} {
		if strings.Contains(text, unwanted) {
			t.Errorf("the page holds %q", unwanted)
		}
	}
	svg := text[strings.Index(text, "<svg"):strings.Index(text, "</svg>")] + "</svg>"
	for d := xml.NewDecoder(strings.NewReader(svg)); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

// TestPageOfNothing: a drill that was interrupted at once has a page, too.
func TestPageOfNothing(t *testing.T) {
	r := NewRecorder().Report(Report{Drill: "upgrade", Interrupted: true})
	if err := r.HTML(io.Discard); err != nil || r.Met {
		t.Errorf("met %t, %v", r.Met, err)
	}
}
