package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/slipway/slipway/internal/check"
	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/kube"
	"github.com/slipway/slipway/internal/preflight"
)

// discoverPatience is how long an endpoint may not answer: it is away while balancers learn of one another, as when a join
// before this one was cut off.
const discoverPatience = 20 * time.Second

// discover asks the endpoint what the cluster is. What it refuses is not asked again.
func (r *Run) discover(ctx context.Context, j Joining, sink event.Sink) (found *kube.Discovery, err error) {
	within, cancel := context.WithTimeout(ctx, min(discoverPatience, r.timeout()))
	defer cancel()
	waited := check.Wait(within, sink, check.Condition{Name: "the endpoint answers", Test: func(context.Context) error {
		found, err = kube.Discover(ctx, j.Endpoint, j.Token, j.CAHashes)
		if refused := new(JoinError); errors.As(err, &refused) && refused.Unreachable {
			return err
		}
		return nil
	}})
	if err != nil {
		return nil, err // in its own words
	}
	return found, waited
}

// clockAgrees refuses a clock by which the cluster's certificates would not be valid, before one of them is looked at.
func clockAgrees(skew time.Duration) error {
	if skew.Abs() <= preflight.MaxSkew {
		return nil
	}
	name, err := hostName()
	if err != nil {
		return err
	}
	way := "behind"
	if skew < 0 {
		way = "ahead of"
	}
	return &UnfitError{preflight.Finding{
		Node: name, What: fmt.Sprintf("its clock is %s %s the cluster's: certificates would not be valid yet, or no longer", skew.Abs().Round(time.Second), way),
		Remedy: "set up time synchronisation (apt-get install chrony), here or on the control planes, and join again",
	}}
}
