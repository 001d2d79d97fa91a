package kube

import (
	"context"
	"fmt"
	"time"

	"github.com/go-logr/logr"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	"k8s.io/klog/v2"
)

// How long one that died in its turn holds up the others, and how long a holder may fail to reach the API.
const (
	turnLasts = time.Minute
	turnRenew = 45 * time.Second
	turnRetry = 2 * time.Second
)

// InTurn runs do while holder, and nobody else, holds the lease of kube-system, and gives it free then. Whoever holds
// it before is told to waiting. The ctx of do ends when the lease is lost. A holder that died finds its own lease again
// at once; others get it a minute after.
func (c *Client) InTurn(ctx context.Context, lease, holder string, waiting func(other string), do func(context.Context) error) error {
	outer := ctx
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	begun, result := make(chan struct{}), make(chan error, 1)
	elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Name: lease,
		Lock: &resourcelock.LeaseLock{
			LeaseMeta: metav1.ObjectMeta{Name: lease, Namespace: metav1.NamespaceSystem},
			Client:    c.Typed.CoordinationV1(), LockConfig: resourcelock.ResourceLockConfig{Identity: holder},
		},
		LeaseDuration: turnLasts, RenewDeadline: turnRenew, RetryPeriod: turnRetry, ReleaseOnCancel: true,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(ctx context.Context) {
				close(begun)
				result <- do(ctx)
				cancel()
			},
			OnStoppedLeading: func() {},
			OnNewLeader: func(other string) {
				if other != holder && other != "" {
					waiting(other)
				}
			},
		},
	})
	if err != nil {
		return fmt.Errorf("lease %s: %w", lease, err)
	}
	// Its log is for controllers; what people want to know comes through waiting.
	elector.Run(klog.NewContext(ctx, logr.Discard()))
	select {
	case err := <-result:
		return err
	case <-outer.Done():
		select {
		case <-begun: // it was its turn, and it ends with ctx
			return <-result
		default:
			return context.Cause(outer)
		}
	case <-begun: // the lease was lost, which ended the ctx of do
		if err := <-result; err != nil {
			return fmt.Errorf("its turn, the lease %s, was lost: %w", lease, err)
		}
		return nil
	}
}
