package drill

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/slipway/slipway/internal/event"
)

// Recorder takes in what happens while a drill runs. It is an event.Sink, and so learns what is at work. Safe for
// concurrent use.
type Recorder struct {
	began time.Time
	now   func() time.Time

	mu      sync.Mutex
	samples []Sample
	stages  []Stage
	changes []Change
	late    float64

	recovery *Recovery
}

// NewRecorder begins a record now.
func NewRecorder() *Recorder { return newRecorder(time.Now) }

func newRecorder(now func() time.Time) *Recorder { return &Recorder{began: now(), now: now} }

// Began is when the record begins.
func (r *Recorder) Began() time.Time { return r.began }

// Since is t as the record has it: in seconds after its beginning.
func (r *Recorder) Since(t time.Time) float64 { return rounded(t.Sub(r.began).Seconds()) }

// Add takes one request.
func (r *Recorder) Add(s Sample) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.samples = append(r.samples, s)
}

// Late notes that a request was sent so long after it was due: this side was busy.
func (r *Recorder) Late(by time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.late = max(r.late, rounded(by.Seconds()))
}

// Change is something about the cluster that turned into something else.
type Change struct {
	At   float64 `json:"at"`
	What Aspect  `json:"what"`
	Node string  `json:"node,omitempty"` // that it is about; "" for the cluster
	Is   string  `json:"is"`             // from then on; "" for nobody, nothing
}

// Aspect is what of a cluster is followed.
type Aspect string

const (
	Leader  Aspect = "leader"  // of etcd: Is names its node
	Holder  Aspect = "holder"  // of the endpoint's address: Is names its node
	Version Aspect = "version" // of a node's kubelet
	Ready   Aspect = "ready"   // a node: Is says "yes", or why not
	Cordon  Aspect = "cordon"  // a node: Is says "yes" or "no"
)

// Note takes down what an aspect is now, where it differs from what it was.
func (r *Recorder) Note(what Aspect, node, is string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range slices.Backward(r.changes) {
		if c.What == what && c.Node == node {
			if c.Is == is {
				return
			}
			break
		}
	}
	r.changes = append(r.changes, Change{r.Since(r.now()), what, node, is})
}

// Emit learns from e which stages and nodes are at work. Times are those of arrival: machines' clocks differ.
func (r *Recorder) Emit(e event.Event) {
	if e.Stage == "" || e.Subject != "" {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	at := r.Since(r.now())
	switch e.Kind {
	case event.Started:
		r.begin(e.Stage, e.Node, at)
	case event.Done, event.Failed:
		r.end(e.Stage, e.Node, at, e.Kind == event.Failed)
	}
}

// begin opens a stage, or adds a node to the one of that name that is open.
func (r *Recorder) begin(name, node string, at float64) {
	i := r.open(name)
	if i < 0 || node == "" {
		r.stages = append(r.stages, Stage{Name: name, Start: at, open: true})
		i = len(r.stages) - 1
	}
	if node != "" {
		r.stages[i].Nodes = append(r.stages[i].Nodes, Part{Node: node, Start: at})
	}
}

func (r *Recorder) end(name, node string, at float64, failed bool) {
	i := r.open(name)
	if i < 0 {
		return // it began before the record did
	}
	s := &r.stages[i]
	if node == "" {
		s.Seconds, s.Failed, s.open = rounded(at-s.Start), failed, false
		return
	}
	for k, p := range slices.Backward(s.Nodes) {
		if p.Node == node { // the machine may tell its end before whoever asked it does: the last word counts
			s.Nodes[k].Seconds, s.Nodes[k].Failed = rounded(at-p.Start), failed
			return
		}
	}
}

// open is the latest stage of that name which has not ended, or -1.
func (r *Recorder) open(name string) int {
	for i, s := range slices.Backward(r.stages) {
		if s.Name == name && s.open {
			return i
		}
	}
	return -1
}

// Report is what was recorded so far, with what about says of the rest. What has not ended ends now.
func (r *Recorder) Report(about Report) *Report {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := &about
	out.Format, out.Began, out.Seconds, out.Late = FormatVersion, r.began.UTC(), r.Since(r.now()), r.late
	out.Samples, out.Changes = slices.Clone(r.samples), slices.Clone(r.changes)
	slices.SortStableFunc(out.Samples, func(a, b Sample) int { return cmp.Compare(a.At, b.At) })
	if r.recovery != nil {
		broken := *r.recovery
		out.Recovery = &broken
	}
	out.disregard()
	out.Outages = outages(out.Samples)
	out.reckon()
	for _, s := range r.stages {
		out.Stages = append(out.Stages, s.ended(out.Seconds))
	}
	slices.SortStableFunc(out.Stages, func(a, b Stage) int { return cmp.Compare(a.Start, b.Start) })
	out.attribute()
	out.judge()
	return out
}
