package drill

import (
	"cmp"
	"slices"
)

// Outage is a stretch in which nothing but failures was seen: from when the last request was due that went well before, until
// the first good answer after it. The truth lies within; a client cannot know it more exactly.
type Outage struct {
	Node     string   `json:"node,omitempty"` // whose way to the Service; "" for the API
	Start    float64  `json:"start"`
	Seconds  float64  `json:"seconds"`
	Failed   int      `json:"failed"` // requests
	Error    string   `json:"error"`  // of the first
	Stages   []string `json:"stages,omitempty"`
	Unending bool     `json:"unending,omitempty"` // no good answer came any more
}

// firstAnswer is when the first good answer came, of samples of which the first is good: it need not be that one's.
func firstAnswer(samples []Sample) float64 {
	first := samples[0].end()
	for _, s := range samples {
		if s.At >= first {
			break
		}
		if s.good() {
			first = min(first, s.end())
		}
	}
	return first
}

// outages finds those of every series, the API's and each node's, longest first.
func outages(samples []Sample) []Outage {
	series := map[string][]Sample{}
	for _, s := range samples {
		if !s.Unmeasured {
			series[s.Node] = append(series[s.Node], s)
		}
	}
	var out []Outage
	for node, all := range series {
		out = append(out, outagesOf(node, all)...)
	}
	slices.SortFunc(out, func(a, b Outage) int {
		return cmp.Or(cmp.Compare(b.Seconds, a.Seconds), cmp.Compare(a.Start, b.Start), cmp.Compare(a.Node, b.Node))
	})
	return out
}

// outagesOf are those of one series, whose samples are in the order of their due times.
func outagesOf(node string, samples []Sample) []Outage {
	var out []Outage
	var now *Outage
	last, seen := 0.0, false // when the latest good one was due
	for i, s := range samples {
		if s.good() {
			if now != nil {
				now.Seconds = rounded(firstAnswer(samples[i:]) - now.Start)
				out, now = append(out, *now), nil
			}
			last, seen = s.At, true
			continue
		}
		if now == nil {
			now = &Outage{Node: node, Start: s.At, Error: s.Error}
			if seen {
				now.Start = last
			}
		}
		now.Failed++
		now.Seconds = max(now.Seconds, rounded(s.end()-now.Start))
	}
	if now != nil {
		now.Unending = true
		out = append(out, *now)
	}
	return out
}
