package drill

import "fmt"

// Goal is one thing that must hold, with what was seen.
type Goal struct {
	Name string `json:"name"`
	Want string `json:"want"`
	Got  string `json:"got"`
	Met  bool   `json:"met"`
}

const (
	longestOutage = 1.0   // seconds
	failedShare   = 0.001 // of requests, without a retry
)

// adding takes in one goal.
type adding func(met bool, name, want, got string)

// judge compares what was seen with the goals.
func (r *Report) judge() {
	r.Goals = nil
	add := func(met bool, name, want, got string) { r.Goals = append(r.Goals, Goal{name, want, got, met}) }
	b := barOf(r.Drill)
	r.judgeRecovery(b, add)
	r.judgeAPI(b, add)
	if s := r.Service; s.Requests == 0 {
		add(false, "Service: outages", "none over 1 s", "nothing was measured")
	} else {
		add(s.Outage <= longestOutage, "Service: outages", "none over 1 s", longest(s.Outage))
		add(s.share() < failedShare, "Service: failed polls", "under 0.1 %", fmt.Sprintf("%d of %d, %.3f %%", s.Failed, s.Requests, 100*s.share()))
		add(s.FailedTwice == 0, "Service: failed with one retry", "none", count(s.FailedTwice))
	}
	w, c, o := r.Writes, r.Watch, r.Objects
	checked := func(met bool, unchecked, name, want, got string) {
		if unchecked != "" {
			met, got = false, "not checked: "+unchecked
		}
		add(met, name, want, got)
	}
	checked(len(w.Lost) == 0 && len(w.Stale) == 0, w.Unchecked, "acknowledged writes", r.kept(),
		fmt.Sprintf("%d acknowledged, %s lost, %s read back older", w.Acknowledged, count(len(w.Lost)), count(len(w.Stale))))
	checked(len(c.Missed) == 0, c.Unchecked, "events of a watch", "none missed", count(len(c.Missed))+" missed")
	checked(len(o.Lost) == 0 && len(o.Changed) == 0, o.Unchecked, "objects from before", "all there, unchanged",
		fmt.Sprintf("%d compared, %s lost, %s changed", o.Compared, count(len(o.Lost)), count(len(o.Changed))))
	if r.Failure != "" {
		add(false, r.Drill, "goes through", r.Failure)
	}
	r.Met = true
	for _, g := range r.Goals {
		r.Met = r.Met && g.Met
	}
}

// Missed are the goals that were not met.
func (r *Report) Missed() []Goal {
	var out []Goal
	for _, g := range r.Goals {
		if !g.Met {
			out = append(out, g)
		}
	}
	return out
}

func longest(seconds float64) string {
	if seconds == 0 {
		return "none"
	}
	return fmt.Sprintf("longest %.3f s", seconds)
}

func count(n int) string {
	if n == 0 {
		return "none"
	}
	return fmt.Sprint(n)
}

// kept is which acknowledged writes have to be there.
func (r *Report) kept() string {
	switch r.Drill {
	case "etcd-restore":
		return "those from before the snapshot are there, and read as written"
	case "quorum-loss":
		return "all but those of the last second are there, and read as written"
	}
	return "all there, and read as written"
}
