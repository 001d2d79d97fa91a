package bootstrap

import (
	"context"
	"errors"

	"github.com/slipway/slipway/internal/event"
)

// catchUpDeclaring declares the change where no API server was ready before to hear of it, or to tell that it has been.
func (r *Run) catchUpDeclaring(ctx context.Context) error {
	client, err := r.anyAPI(ctx)
	if err != nil {
		return err
	}
	if err := r.stands(ctx, client.Typed); err != nil {
		return err
	}
	c := *r.Cluster
	c.Kubernetes = r.rollout.To
	r.Cluster = &c
	return r.declareHere(ctx)
}

func (r *Run) declareHere(ctx context.Context) error {
	return r.stage("declare", func(event.Sink) error {
		client, err := r.anyAPI(ctx)
		if err != nil {
			return err
		}
		return r.declare(ctx, client)
	})
}

// withdraw takes the change back out of the cluster if no API server has come to it: then nothing was changed.
func (r *Run) withdraw(ctx context.Context) error {
	at, silent := r.levels(ctx)
	for _, v := range at {
		if v != r.rollout.From {
			return nil
		}
	}
	if len(silent) > 0 {
		return nil // they may have
	}
	client, err := r.anyAPI(ctx)
	if err != nil {
		return err
	}
	return errors.Join(r.closeChange(ctx, client, r.rollout.From), r.dir.Drop(rolloutFile))
}
