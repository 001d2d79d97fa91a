//go:build linux

package node

import (
	"context"
	"errors"
	"fmt"
	"time"

	leasesapi "github.com/containerd/containerd/api/services/leases/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

const (
	leaseID = "slipway"
	// leaseLife is how long containerd keeps what a killed import has left, unless another import ends it before.
	leaseLife = 24 * time.Hour
	// https://github.com/containerd/containerd/blob/v2.4.2/docs/garbage-collection.md
	expireLabel = "containerd.io/gc.expire"
)

// lease keeps everything that is made under the returned context from being collected until end is called: blobs are
// there before the image that names them, and snapshots before they are complete. What an earlier import was killed
// with is collected first; the machine's lock sees to it that there is no other at work.
func (c containerd) lease(ctx context.Context) (leased context.Context, end func() error, err error) {
	leases := leasesapi.NewLeasesClient(c.conn)
	ctx = c.scope(ctx)
	remove := func(ctx context.Context, wait bool) error {
		_, err := leases.Delete(ctx, &leasesapi.DeleteRequest{ID: leaseID, Sync: wait})
		if status.Code(err) == codes.NotFound {
			return nil
		}
		return err
	}
	if err := remove(ctx, true); err != nil {
		return nil, nil, fmt.Errorf("end the lease of an earlier import: %w", err)
	}
	expires := time.Now().Add(leaseLife).Format(time.RFC3339)
	if _, err := leases.Create(ctx, &leasesapi.CreateRequest{ID: leaseID, Labels: map[string]string{expireLabel: expires}}); err != nil {
		return nil, nil, fmt.Errorf("take a lease of containerd: %w", err)
	}
	end = func() error {
		// Also when the run has been cancelled.
		return remove(context.WithoutCancel(ctx), false)
	}
	return metadata.AppendToOutgoingContext(ctx, "containerd-lease", leaseID), end, nil
}

// underLease calls do under a lease.
func (c containerd) underLease(ctx context.Context, do func(context.Context) error) error {
	leased, end, err := c.lease(ctx)
	if err != nil {
		return err
	}
	return errors.Join(do(leased), end())
}
