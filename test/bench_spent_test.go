//go:build bench

package test

import (
	"cmp"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/slipway/slipway/internal/event"
)

// kindsOf sums up what the slowest machine did in the stage "machines", by kind of resource, longest first.
// A resource's time is from the event before it to its own: a machine does one thing after the other.
func kindsOf(events []event.Event) (machine string, kinds []row) {
	var longest time.Duration
	for _, name := range benchMachines {
		start, end := bounds(events, name)
		if took := end.Sub(start); took > longest {
			machine, longest = name, took
		}
	}
	before, end := bounds(events, machine)
	spent, order := map[string]float64{}, []string(nil)
	add := func(kind string, until time.Time) {
		if _, seen := spent[kind]; !seen {
			order = append(order, kind)
		}
		spent[kind] += until.Sub(before).Seconds()
		before = until
	}
	for _, e := range events {
		if e.Stage == "machines" && e.Node == machine && e.Kind == event.Changed {
			kind, name, _ := strings.Cut(e.Subject, " ")
			switch kind {
			case "unit":
				kind = "start of " + name
			case "image":
				kind = "images, imported and unpacked"
			case "binary":
				kind = "executables, unpacked"
			default:
				kind = "files, directories and kernel parameters"
			}
			add(kind, e.Time)
		}
	}
	add("comparison after it all", end)
	for _, kind := range order {
		kinds = append(kinds, row{Name: kind, Time: spent[kind]})
	}
	slices.SortStableFunc(kinds, func(a, b row) int { return cmp.Compare(b.Time, a.Time) })
	return machine, kinds
}

// bounds are when the stage "machines" began and ended on one machine.
func bounds(events []event.Event, machine string) (start, end time.Time) {
	for _, e := range events {
		if e.Stage != "machines" || e.Node != machine || e.Subject != "" {
			continue
		}
		switch e.Kind {
		case event.Started:
			start = e.Time
		case event.Done:
			end = e.Time
		}
	}
	return start, end
}

// conditionsOf lists when what was waited for came true.
func conditionsOf(events []event.Event) []row {
	var out []row
	for _, e := range events {
		if e.Kind != event.Done || e.Subject == "" || (e.Stage != "control-plane" && e.Stage != "objects" && e.Stage != "ready") {
			continue
		}
		name := e.Subject
		if e.Node != "" {
			name += " (" + e.Node + ")"
		}
		out = append(out, row{Name: name, Time: e.Time.Sub(events[0].Time).Seconds()})
	}
	return out
}

// story says in words what the figures mean, as far as that follows from them.
func story(p pair) string {
	longest := slices.MaxFunc(p.slipway.stages, func(a, b stretch) int { return cmp.Compare(a.seconds(), b.seconds()) })
	work := func(c course) float64 { return c.busy * c.total.Seconds() * float64(runtime.NumCPU()) }
	return fmt.Sprintf(`The longest of slipway's stages is "%s". Over the whole course the processors are %.0f %% busy with
slipway's cluster and %.0f %% with kubeadm's, which is %.0f and %.0f s of processor time: what remains to either
is waiting. Where a stage keeps them near 100 %%, it is bound by the processors that all five machines share
here; machines of their own, each with its cores, pass it faster.`,
		longest.name, 100*p.slipway.busy, 100*p.kubeadm.busy, work(p.slipway.course), work(p.kubeadm))
}
