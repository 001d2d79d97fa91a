//go:build bench

package test

import (
	"cmp"
	"slices"
	"strings"

	"github.com/slipway/slipway/internal/event"
)

// machineStages are the stages of a course that does the same on one machine after the other, each with the machines of its own.
func machineStages(events []event.Event) []stretch {
	var out []stretch
	var on [][]string
	for _, e := range events {
		if e.Stage == "" || e.Subject != "" {
			continue
		}
		open := -1
		for i, s := range out {
			if s.name == e.Stage && s.end.IsZero() {
				open = i
			}
		}
		switch {
		case e.Node == "" && e.Kind == event.Started:
			out, on = append(out, stretch{name: e.Stage, start: e.Time}), append(on, nil)
		case e.Node == "" && e.Kind == event.Done && open >= 0:
			out[open].end = e.Time
		case e.Kind == event.Started && open >= 0 && !slices.Contains(on[open], e.Node):
			on[open] = append(on[open], e.Node)
		}
	}
	for i, nodes := range on {
		if slices.Sort(nodes); len(nodes) > 0 && len(nodes) < len(benchMachines) {
			out[i].name += " " + strings.Join(nodes, ", ")
		}
		if i > 0 && out[i].start.Before(out[i-1].end) {
			out[i].note = "beside " + out[i-1].name
		}
	}
	return out
}

// wait is a time in which a machine, or the cluster as a whole, told nothing.
type wait struct {
	Stage, Node, Until string
	Time               float64 // seconds
}

// waitsOf are the longest times between two events of the same stage and machine. That something is still waited for is no event here.
func waitsOf(events []event.Event, n int) []wait {
	last := map[[2]string]event.Event{}
	var out []wait
	for _, e := range events {
		key := [2]string{e.Stage, e.Node}
		before, seen := last[key]
		if e.Stage == "" || e.Kind == event.Waiting || e.Kind == event.Progress {
			continue
		}
		last[key] = e
		if !seen || e.Kind == event.Started || e.Node == "" && e.Subject == "" { // what its machines did is told of them
			continue
		}
		until := strings.TrimSpace(e.Subject + " " + e.Message)
		if until == "" {
			until = "its end"
		}
		out = append(out, wait{e.Stage, e.Node, until, e.Time.Sub(before.Time).Seconds()})
	}
	slices.SortStableFunc(out, func(a, b wait) int { return cmp.Compare(b.Time, a.Time) })
	return out[:min(n, len(out))]
}
