package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/slipway/slipway/internal/check"
	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/kube"
)

// runOnce runs slipway on a node to which there is no other way, and waits for its last word. The error is a kube.ErrRunning where it
// has not ended in time.
func runOnce(ctx context.Context, api *kube.Client, once kube.OneShot, what, program string, sink event.Sink) (said string, err error) {
	if err := api.StartOneShot(ctx, once); err != nil {
		return "", err
	}
	var failed error
	err = check.Wait(ctx, sink, check.Condition{Name: what, Node: once.Node, Test: func(ctx context.Context) error {
		text, err := api.OneShotSaid(ctx, once.Name)
		if err == nil || strings.Contains(err.Error(), " failed: ") {
			said, failed = text, err
			return nil
		}
		return err
	}})
	if err != nil {
		return "", err
	}
	if failed != nil && strings.Contains(failed.Error(), "no such file") {
		return "", fmt.Errorf("it has not the very slipway that runs here (%s): use the one that it was made with; %w", program, failed)
	}
	return said, errors.Join(failed, api.DropOneShot(ctx, once.Name))
}
