// Package drill makes a report of what clients saw of a cluster while something was done to it: every request with its
// fate, the stage and node at work meanwhile, outages, and whether the goals were met. It takes what others measure and
// connects to nothing.
package drill

import "math"

// Kind is what a client asked for.
type Kind string

const (
	Write Kind = "write" // an object of the API, created or changed
	Read  Kind = "read"  // an object of the API
	Poll  Kind = "poll"  // a Service, through kube-proxy of one node
)

// Kinds of one series are judged together.
func apiKinds() []Kind { return []Kind{Write, Read} }

// SlowAfter is how many seconds an answer may take until it counts as slow.
const SlowAfter = 1.0

// Sample is one request with its fate. Its times count from when it was due, not from when this side got round to sending it: a
// client that is late because the one before was slow would hide the very thing that is looked for.
type Sample struct {
	Kind    Kind    `json:"kind"`
	Node    string  `json:"node,omitempty"`  // of a poll: whose kube-proxy it went through
	At      float64 `json:"at"`              // when it was due, in seconds after the drill began
	Seconds float64 `json:"seconds"`         // until its answer, or until it failed
	Error   string  `json:"error,omitempty"` // why it failed; "" for a good answer
	Retry   *Retry  `json:"retry,omitempty"` // the one more that followed a failure
	// Unmeasured is a poll that failed because the way to the node broke, which says nothing of the Service.
	Unmeasured bool `json:"unmeasured,omitempty"`
}

// Retry is what became of a request that failed and was sent once more.
type Retry struct {
	Seconds float64 `json:"seconds"` // from when the first was due until this one's answer or failure
	Error   string  `json:"error,omitempty"`
}

func (s Sample) good() bool { return s.Error == "" && !s.Unmeasured }

func (s Sample) failed() bool { return s.Error != "" && !s.Unmeasured }

func (s Sample) failedTwice() bool { return s.failed() && (s.Retry == nil || s.Retry.Error != "") }

// served is how long a client that tries twice waited for a good answer; false where it got none.
func (s Sample) served() (float64, bool) {
	switch {
	case s.good():
		return s.Seconds, true
	case s.failed() && s.Retry != nil && s.Retry.Error == "":
		return s.Retry.Seconds, true
	}
	return 0, false
}

func (s Sample) slow() bool { return s.good() && s.Seconds > SlowAfter }

// end is when the sample's first answer or failure came.
func (s Sample) end() float64 { return s.At + s.Seconds }

// rounded to tenths of a millisecond: more says nothing, and makes files large.
func rounded(seconds float64) float64 { return math.Round(seconds*1e4) / 1e4 }
