package drill

import "fmt"

// bar is what the API has to come up to in one kind of drill. The Service, which needs no API, has the same to come up to in all.
type bar struct {
	outage float64 // seconds that the API may be out at the longest; 0: as long as the recovery takes
	each   bool    // single requests that fail count, too
	breaks bool    // the cluster is broken, and has to come back
	anew   bool    // a watch from before has to end, and begin anew from a list
}

// barOf is that of the drill of that name. A balancer takes a second or two to see that a server does not answer, so that where one is
// broken on purpose requests fail, and what counts is how soon they do not any more.
func barOf(drill string) bar {
	switch drill {
	case "leader-loss", "disk-full":
		return bar{outage: 3, breaks: true}
	case "node-loss":
		return bar{outage: 10, breaks: true}
	case "quorum-loss", "etcd-restore":
		return bar{breaks: true, anew: true}
	}
	return bar{outage: longestOutage, each: true}
}

// judgeAPI compares what was seen of requests with what is wanted.
func (r *Report) judgeAPI(b bar, add adding) {
	if r.API.Requests == 0 {
		add(false, "API: outages", b.wanted(), "nothing was measured")
		return
	}
	if b.outage > 0 {
		add(r.API.Outage <= b.outage, "API: outages", b.wanted(), longest(r.API.Outage))
	}
	if b.each {
		add(r.API.share() < failedShare, "API: failed requests", "under 0.1 %", fmt.Sprintf("%d of %d, %.3f %%", r.API.Failed, r.API.Requests, 100*r.API.share()))
		add(r.API.FailedTwice == 0, "API: failed with one retry", "none", count(r.API.FailedTwice))
	}
}

func (b bar) wanted() string {
	if b.outage == 0 {
		return "they end"
	}
	return fmt.Sprintf("none over %g s", b.outage)
}

// judgeRecovery compares how the cluster came back with what is wanted.
func (r *Report) judgeRecovery(b bar, add adding) {
	if !b.breaks {
		return
	}
	broken := r.Recovery
	if broken == nil {
		add(false, "recovery", "the cluster is broken, and comes back", "it was not broken")
		return
	}
	if b.outage > 0 {
		add(!broken.Unending && broken.Writes <= b.outage, "writes again", fmt.Sprintf("within %g s", b.outage), broken.WritesAgain())
	} else {
		add(!broken.Unending, "writes again", "as soon as it is brought back", broken.WritesAgain())
	}
	add(broken.Whole > 0, "whole again", "by the end", broken.WholeAgain())
	w := r.Writes
	if w.Unchecked == "" {
		add(len(w.Backwards) == 0, "revisions", "never go back", count(len(w.Backwards))+" went back"+r.Loss.ahead())
	}
	if b.anew && r.Watch.Unchecked == "" {
		got := "it went on where it stood"
		if r.Watch.Relists > 0 {
			got = "ended, and began anew from a list"
		}
		add(r.Watch.Relists > 0, "watch from before", "ends as expired (410), and begins anew from a list", got)
	}
}

// ahead tells from which revision to which the cluster has gone.
func (l *Loss) ahead() string {
	if l == nil || l.After == 0 {
		return ""
	}
	return fmt.Sprintf("; from %d to %d", l.Before, l.After)
}
