package drill

import (
	"fmt"
	"slices"
)

// Recovery is how a cluster that was broken came back.
type Recovery struct {
	What   string   `json:"what"`             // that was done to it
	Nodes  []string `json:"nodes"`            // that it was done to
	Cut    bool     `json:"cut,omitempty"`    // nobody reached them meanwhile, so that polls through them say nothing of the Service
	Broke  float64  `json:"broke"`            // when, in seconds after the drill began
	Mended float64  `json:"mended,omitempty"` // when it was taken back, likewise; 0 where the cluster had to do without
	// Writes is how many seconds no write was acknowledged, at the longest since it was broken. What waits counts like what fails. 0 where
	// that was no more than a second.
	Writes   float64 `json:"writes"`
	Resumed  float64 `json:"resumed,omitempty"`  // when one was acknowledged again then, in seconds after the drill began
	Unending bool    `json:"unending,omitempty"` // none was any more
	Whole    float64 `json:"whole"`              // seconds after it was broken until all was as before; 0 where it never was
}

// Loss is what was acknowledged and is not there any more, and could not be: it came after what the cluster was brought back from.
type Loss struct {
	Writes  int     `json:"writes"`
	First   float64 `json:"first,omitempty"` // when the first of them was acknowledged, in seconds after the drill began
	Seconds float64 `json:"seconds"`         // from then until the cluster was broken: the data-loss window
	// Before and After are the last revision that a write was acknowledged with before, and the first after.
	Before int64 `json:"before"`
	After  int64 `json:"after"`
}

// Broke notes that the cluster is broken from now on. What is cut off is not reached by anybody meanwhile.
func (r *Recorder) Broke(what string, cut bool, nodes ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.recovery = &Recovery{What: what, Cut: cut, Nodes: slices.Clone(nodes), Broke: r.Since(r.now())}
}

// Mended notes that what was broken is taken back now.
func (r *Recorder) Mended() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.recovery != nil && r.recovery.Mended == 0 {
		r.recovery.Mended = r.Since(r.now())
	}
}

// Whole notes that all is as before.
func (r *Recorder) Whole() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.recovery != nil && r.recovery.Whole == 0 {
		r.recovery.Whole = rounded(r.Since(r.now()) - r.recovery.Broke)
	}
}

// disregard takes polls through nodes that nobody reached for what they are: they say nothing of the Service.
func (r *Report) disregard() {
	broken := r.Recovery
	if broken == nil || !broken.Cut {
		return
	}
	end := r.Seconds
	if broken.Whole > 0 {
		end = broken.Broke + broken.Whole
	}
	for i := range r.Samples {
		s := &r.Samples[i]
		if s.Kind == Poll && s.failed() && slices.Contains(broken.Nodes, s.Node) && s.end() >= broken.Broke && s.At <= end {
			s.Unmeasured = true
		}
	}
}

// reckon works out when the API took writes again, and how far back what is lost reaches.
func (r *Report) reckon() {
	broken := r.Recovery
	if broken == nil {
		return
	}
	acknowledged, end := r.acknowledgements()
	last := broken.Broke // nothing counts that was before
	for _, at := range append(acknowledged, end) {
		if gap := rounded(at - last); gap > SlowAfter && gap > broken.Writes {
			broken.Writes, broken.Resumed = gap, at
		}
		last = max(last, at)
	}
	if n := len(acknowledged); broken.Writes > 0 && broken.Resumed == end && (n == 0 || acknowledged[n-1] < end) {
		broken.Resumed, broken.Unending = 0, true
	}
	if r.Loss != nil && r.Loss.Writes > 0 {
		r.Loss.Seconds = rounded(max(0, broken.Broke-r.Loss.First))
	}
}

// acknowledgements are when writes were acknowledged, at the first attempt or the next, in order, and when the last write had its fate.
func (r *Report) acknowledgements() (at []float64, end float64) {
	for _, s := range r.Samples {
		if s.Kind != Write {
			continue
		}
		fate := s.end()
		if s.Retry != nil {
			fate = s.At + s.Retry.Seconds
		}
		if end = max(end, fate); !s.failedTwice() {
			at = append(at, fate)
		}
	}
	slices.Sort(at)
	return at, end
}

// WritesAgain is when the API took writes again, in words.
func (r *Recovery) WritesAgain() string {
	switch {
	case r.Unending:
		return "never"
	case r.Writes == 0:
		return "never stopped"
	}
	return fmt.Sprintf("after %.1f s", r.Writes)
}

// WholeAgain is when all was as before, in words.
func (r *Recovery) WholeAgain() string {
	if r.Whole == 0 {
		return "not by the end"
	}
	return fmt.Sprintf("after %.1f s", r.Whole)
}

// Window is the data-loss window, in words.
func (r *Report) Window() string {
	if n := len(r.Writes.Lost); n > 0 {
		return fmt.Sprintf("%s lost that had to be there", writes(n))
	}
	if r.Writes.Unchecked != "" {
		return "not checked"
	}
	if r.Loss == nil || r.Loss.Writes == 0 {
		return "nothing lost"
	}
	return fmt.Sprintf("%s of the last %.1f s before", writes(r.Loss.Writes), r.Loss.Seconds)
}

func writes(n int) string {
	if n == 1 {
		return "1 write"
	}
	return fmt.Sprintf("%d writes", n)
}
