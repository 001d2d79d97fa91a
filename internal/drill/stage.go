package drill

import "slices"

// Stage is one part of the course, such as one control plane's turn, with what clients saw meanwhile. Stages may overlap: a
// request belongs to each that was at work when it was due.
type Stage struct {
	Name    string  `json:"stage"`
	Nodes   []Part  `json:"nodes,omitempty"` // that it worked on; none for the cluster as a whole
	Start   float64 `json:"start"`           // seconds after the drill began
	Seconds float64 `json:"seconds"`
	Failed  bool    `json:"failed,omitempty"`
	API     Figures `json:"api"`
	Service Figures `json:"service"`

	open bool
}

// Part is a stage on one node.
type Part struct {
	Node    string  `json:"node"`
	Start   float64 `json:"start"`
	Seconds float64 `json:"seconds"`
	Failed  bool    `json:"failed,omitempty"`
}

// ended is s with all of its parts ended, at the latest at now.
func (s Stage) ended(now float64) Stage {
	if s.open {
		s.Seconds = rounded(now - s.Start)
	}
	s.Nodes = slices.Clone(s.Nodes)
	for i := range s.Nodes {
		if p := &s.Nodes[i]; p.Seconds == 0 {
			p.Seconds = rounded(s.Start + s.Seconds - p.Start)
		}
	}
	return s
}

func (s Stage) has(at float64) bool { return s.Start <= at && at < s.Start+s.Seconds }

// Names are those of the nodes, sorted.
func (s Stage) Names() []string {
	var out []string
	for _, p := range s.Nodes {
		if !slices.Contains(out, p.Node) {
			out = append(out, p.Node)
		}
	}
	slices.Sort(out)
	return out
}

// Label is the stage with its node, where it works on one.
func (s Stage) Label() string {
	if names := s.Names(); len(names) == 1 {
		return s.Name + " " + names[0]
	}
	return s.Name
}

// attribute gives every stage what was seen while it was at work, and every outage the stages that it fell into.
func (r *Report) attribute() {
	for i := range r.Stages {
		s := &r.Stages[i]
		var within []Sample
		for _, sample := range r.Samples {
			if s.has(sample.At) {
				within = append(within, sample)
			}
		}
		s.API, s.Service = figures(within, apiKinds()...), figures(within, Poll)
		for k := range r.Outages {
			o := &r.Outages[k]
			if o.Start >= s.Start+s.Seconds || s.Start >= o.Start+o.Seconds {
				continue
			}
			o.Stages = append(o.Stages, s.Label())
			if o.Kind != Poll {
				s.API.Outage = max(s.API.Outage, o.Seconds)
			} else {
				s.Service.Outage = max(s.Service.Outage, o.Seconds)
			}
		}
	}
	r.API, r.Service = figures(r.Samples, apiKinds()...), figures(r.Samples, Poll)
	for _, o := range r.Outages {
		if o.Kind != Poll {
			r.API.Outage = max(r.API.Outage, o.Seconds)
		} else {
			r.Service.Outage = max(r.Service.Outage, o.Seconds)
		}
	}
}
