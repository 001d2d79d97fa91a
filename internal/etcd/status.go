package etcd

import (
	"context"
	"fmt"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// Status is one member as it sees itself.
type Status struct {
	ID, ClusterID, Leader uint64
	Learner               bool
	Version               string
	Storage               string // version that the database is of, 3.6
	RaftIndex, RaftTerm   uint64 // committed
	Applied               uint64 // raft index
	Revision              int64  // of the data
	DBSize, DBSizeInUse   int64  // bytes
	Quota                 int64  // bytes at which it takes no more writes
	Alarms                []string
}

// Status asks the member. It answers also without quorum.
func (c *Client) Status(ctx context.Context) (Status, error) {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	if err := c.listening(ctx); err != nil {
		return Status{}, err
	}
	s, err := c.api.Status(ctx, c.endpoint)
	if err != nil {
		return Status{}, fmt.Errorf("etcd %s: %w", c.endpoint, err)
	}
	return Status{
		ID: s.Header.MemberId, ClusterID: s.Header.ClusterId, Leader: s.Leader, Learner: s.IsLearner, Version: s.Version, Storage: s.StorageVersion,
		RaftIndex: s.RaftIndex, RaftTerm: s.RaftTerm, Applied: s.RaftAppliedIndex, Revision: s.Header.Revision,
		DBSize: s.DbSize, DBSizeInUse: s.DbSizeInUse, Quota: s.DbSizeQuota, Alarms: s.Errors,
	}, nil
}

// Voting is nil when the member follows a leader, votes, and commits: a linearized read went through it.
func (c *Client) Voting(ctx context.Context) error {
	s, err := c.Status(ctx)
	if err != nil {
		return err
	}
	switch {
	case s.Leader == 0:
		return fmt.Errorf("etcd %s has no leader", c.endpoint)
	case s.Learner:
		return fmt.Errorf("etcd %s is still a learner", c.endpoint)
	}
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	if _, err := c.api.Get(ctx, "health"); err != nil {
		return fmt.Errorf("etcd %s: read: %w", c.endpoint, err)
	}
	return nil
}

// Member is one entry of the membership list.
type Member struct {
	ID      uint64
	Name    string
	Learner bool
	Peer    string // URL of its peer port
	Client  string // URL of its client port; "" until it has started
}

// Members lists the membership; it needs quorum.
func (c *Client) Members(ctx context.Context) ([]Member, error) { return c.list(ctx) }

// KnownMembers lists the membership as this member knows it, also without quorum: it may be behind the others.
func (c *Client) KnownMembers(ctx context.Context) ([]Member, error) {
	return c.list(ctx, clientv3.WithSerializable())
}

func (c *Client) list(ctx context.Context, how ...clientv3.OpOption) ([]Member, error) {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	if err := c.listening(ctx); err != nil {
		return nil, err
	}
	list, err := c.api.MemberList(ctx, how...)
	if err != nil {
		return nil, fmt.Errorf("etcd %s: list members: %w", c.endpoint, err)
	}
	var out []Member
	for _, m := range list.Members {
		out = append(out, member(m))
	}
	return out, nil
}

func member(m *etcdserverpb.Member) Member {
	out := Member{ID: m.ID, Name: m.Name, Learner: m.IsLearner}
	if len(m.PeerURLs) > 0 {
		out.Peer = m.PeerURLs[0]
	}
	if len(m.ClientURLs) > 0 {
		out.Client = m.ClientURLs[0]
	}
	return out
}
