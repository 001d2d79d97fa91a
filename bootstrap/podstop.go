package bootstrap

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/slipway/slipway/internal/check"
	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/node"
)

// stopPods stops static pods on m, whose names are those of their programs, by taking away their manifests, which converging makes
// again. A kubelet that does not run could not be told: then what containerd runs is none of its business until it starts.
func (r *Run) stopPods(ctx context.Context, m *machine, sink event.Sink, names ...string) error {
	var paths []string
	for _, name := range names {
		paths = append(paths, manifestDir+"/"+name+".yaml")
	}
	if _, err := onMachine(ctx, m, `rm -f -- "$@" && sync`, paths...); err != nil {
		return err
	}
	within, cancel := r.within(ctx)
	defer cancel()
	return check.Wait(within, sink, check.Condition{Name: strings.Join(names, " and ") + " have stopped", Node: m.node.Name, Test: func(ctx context.Context) error {
		facts, err := m.agent.Facts(ctx, node.Ask{Programs: names})
		if err != nil {
			return err
		}
		for _, name := range names {
			if slices.Contains(facts.Running, name) {
				return fmt.Errorf("%s still runs", name)
			}
		}
		return nil
	}})
}
