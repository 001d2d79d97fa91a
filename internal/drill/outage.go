package drill

import (
	"cmp"
	"slices"
)

// Outage is a stretch in which nothing but failures was seen: from when the last request was due that went well before, until
// the first good answer after it. The truth lies within; a client cannot know it more exactly.
type Outage struct {
	Kind     Kind     `json:"kind"`           // of what: an API that can be read and not written is out for writers
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

// Of names what is out.
func (o Outage) Of() string {
	if o.Kind == Poll {
		return "Service on " + o.Node
	}
	return "API " + string(o.Kind) + "s"
}

// outages finds those of every series, the API's writes and reads and each node's polls, longest first.
func outages(samples []Sample) []Outage {
	type of struct {
		kind Kind
		node string
	}
	series := map[of][]Sample{}
	for _, s := range samples {
		if key := (of{s.Kind, s.Node}); !s.Unmeasured {
			series[key] = append(series[key], s)
		}
	}
	var out []Outage
	for key, all := range series {
		out = append(out, outagesOf(key.kind, key.node, all)...)
	}
	slices.SortFunc(out, func(a, b Outage) int {
		return cmp.Or(cmp.Compare(b.Seconds, a.Seconds), cmp.Compare(a.Start, b.Start), cmp.Compare(a.Node, b.Node), cmp.Compare(a.Kind, b.Kind))
	})
	return out
}

// outagesOf are those of one series, whose samples are in the order of their due times.
func outagesOf(kind Kind, node string, samples []Sample) []Outage {
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
			now = &Outage{Kind: kind, Node: node, Start: s.At, Error: s.Error}
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
