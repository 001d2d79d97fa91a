package drill

import (
	"math"
	"slices"
)

// Figures sum up requests. Latencies are in seconds, of how long a client that tries twice waited for its good answer: a
// refusal that comes fast is none, and must not make the percentiles better.
type Figures struct {
	Requests    int     `json:"requests"`
	Failed      int     `json:"failed"`      // without a retry
	FailedTwice int     `json:"failedTwice"` // also with one retry
	Slow        int     `json:"slow"`        // a good answer that took over a second
	Unmeasured  int     `json:"unmeasured,omitempty"`
	Outage      float64 `json:"outage"` // seconds of the longest; 0 without any failure
	P50         float64 `json:"p50"`
	P99         float64 `json:"p99"`
	Max         float64 `json:"max"`
}

// figures sum up the samples of some kinds, but for outages.
func figures(samples []Sample, kinds ...Kind) Figures {
	var f Figures
	var latencies []float64
	for _, s := range samples {
		if !slices.Contains(kinds, s.Kind) {
			continue
		}
		if s.Unmeasured {
			f.Unmeasured++
			continue
		}
		f.Requests++
		if s.failed() {
			f.Failed++
		}
		if s.failedTwice() {
			f.FailedTwice++
		}
		if s.slow() {
			f.Slow++
		}
		if seconds, ok := s.served(); ok {
			latencies = append(latencies, seconds)
		}
	}
	slices.Sort(latencies)
	f.P50, f.P99, f.Max = percentile(latencies, 50), percentile(latencies, 99), percentile(latencies, 100)
	return f
}

// percentile is the smallest of sorted that p per cent of them do not exceed; 0 of none.
func percentile(sorted []float64, p float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	rank := int(math.Ceil(p / 100 * float64(len(sorted))))
	return sorted[max(rank, 1)-1]
}

// share is the part of requests that failed.
func (f Figures) share() float64 {
	if f.Requests == 0 {
		return 0
	}
	return float64(f.Failed) / float64(f.Requests)
}
