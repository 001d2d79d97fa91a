package etcd

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// defragmentWithin is longer than other answers: the member writes its database anew, and takes no requests meanwhile.
const defragmentWithin = 10 * time.Minute

// Defragment gives what the member's database does not use back to the file system. The member does not answer meanwhile:
// one at a time. It needs no quorum.
// https://etcd.io/docs/v3.6/op-guide/maintenance/#defragmentation
func (c *Client) Defragment(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, defragmentWithin)
	defer cancel()
	if _, err := c.api.Defragment(ctx, c.endpoint); err != nil {
		return fmt.Errorf("etcd %s: defragment: %w", c.endpoint, err)
	}
	return nil
}

// Compact forgets what was before the revision, on all members, and returns when this one has done so. One that is
// compacted there already is left as it is.
func (c *Client) Compact(ctx context.Context, revision int64) error {
	ctx, cancel := context.WithTimeout(ctx, defragmentWithin)
	defer cancel()
	_, err := c.api.Compact(ctx, revision, clientv3.WithCompactPhysical())
	if err != nil && !errors.Is(err, rpctypes.ErrCompacted) {
		return fmt.Errorf("etcd %s: compact to revision %d: %w", c.endpoint, revision, err)
	}
	return nil
}

// Alarm is one that a member raised, and that all of them go by.
type Alarm struct {
	Member uint64
	Kind   string // NOSPACE, CORRUPT
}

// Alarms lists them. It needs quorum: https://github.com/etcd-io/etcd/blob/v3.6.0/server/etcdserver/v3_server.go
func (c *Client) Alarms(ctx context.Context) ([]Alarm, error) {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	list, err := c.api.AlarmList(ctx)
	if err != nil {
		return nil, fmt.Errorf("etcd %s: list alarms: %w", c.endpoint, err)
	}
	var out []Alarm
	for _, a := range list.Alarms {
		out = append(out, Alarm{Member: a.MemberID, Kind: a.Alarm.String()})
	}
	return out, nil
}

// Disarm takes one alarm back. One that is not there is taken back already.
func (c *Client) Disarm(ctx context.Context, a Alarm) error {
	kind, known := etcdserverpb.AlarmType_value[a.Kind]
	if !known || kind == int32(etcdserverpb.AlarmType_NONE) {
		return fmt.Errorf("etcd %s: %q is no kind of alarm", c.endpoint, a.Kind)
	}
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	_, err := c.api.AlarmDisarm(ctx, &clientv3.AlarmMember{MemberID: a.Member, Alarm: etcdserverpb.AlarmType(kind)})
	if err != nil {
		return fmt.Errorf("etcd %s: disarm %s: %w", c.endpoint, a.Kind, err)
	}
	return nil
}

// tryKey is written and deleted again to see whether writes are taken. It is outside of what Kubernetes reads.
const tryKey = "slipway.dev/write-check"

// TryWrite is nil when a write was taken: it was put on a majority of the members' disks.
func (c *Client) TryWrite(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	if _, err := c.api.Put(ctx, tryKey, time.Now().UTC().Format(time.RFC3339)); err != nil {
		return fmt.Errorf("etcd %s: write: %w", c.endpoint, err)
	}
	if _, err := c.api.Delete(ctx, tryKey); err != nil {
		return fmt.Errorf("etcd %s: delete: %w", c.endpoint, err)
	}
	return nil
}
