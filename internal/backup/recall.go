package backup

import (
	"context"
	"encoding/json"
	"time"

	"github.com/slipway/slipway/internal/etcd"
)

// Keys in etcd, beside what is Kubernetes'.
const (
	turnKey = "/slipway/backup/turn" // held by the control plane whose turn it is
	lastKey = "/slipway/backup/last" // the cluster's History
)

// Recall is what the cluster remembers of its backups, as the member knows it.
func Recall(ctx context.Context, member *etcd.Client) (History, error) {
	text, err := member.Recall(ctx, lastKey, true)
	if err != nil {
		return History{}, err
	}
	return DecodeHistory(text)
}

// recall is what the cluster remembers now, by a quorum. What cannot be read ends no turn: it only tells of the past, and is written anew
// after it.
func (m *Maker) recall(ctx context.Context) (History, error) {
	text, err := m.Member.Recall(ctx, lastKey, false)
	if err != nil {
		return History{}, err
	}
	h, err := DecodeHistory(text)
	if err != nil {
		return History{lost: err}, nil
	}
	return h, nil
}

// remember adds to what the cluster remembers: as it is now, for who took too long has lost the turn to another meanwhile. Whatever ended
// the work, that it ended is told.
func (m *Maker) remember(ctx context.Context, add History) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	h, err := m.recall(ctx)
	if err != nil {
		return err
	}
	h.Merge(add)
	text, err := json.Marshal(h)
	if err != nil {
		return err
	}
	return m.Member.Remember(ctx, lastKey, text)
}
