package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/slipway/slipway/internal/etcd"
	"github.com/slipway/slipway/internal/status"
)

// compareTries is how often data is compared before it is said that it cannot be: the API servers compact every five minutes,
// and what members forget while they are asked changes their hashes.
const compareTries = 3

// compareData finds out whether members hold the same, at the newest revision that all of them have.
func compareData(ctx context.Context, q *membership, s *status.Etcd) {
	var asked []int // learners do not answer this
	for i, e := range q.all {
		if e.answers() && !e.Learner && e.ID != 0 {
			asked = append(asked, i)
		}
	}
	s.Compared = &status.Comparison{Members: len(asked)}
	if len(asked) < 2 {
		s.Compared.Why = "there are no two members that answer"
		return
	}
	for try := range compareTries {
		if try > 0 {
			select {
			case <-ctx.Done():
				return
			case <-time.After(time.Second):
			}
		}
		revision, err := commonRevision(ctx, q, asked)
		if err != nil {
			s.Compared.Why = err.Error()
			continue
		}
		hashes, err := hashesAt(ctx, q, asked, revision)
		if err != nil {
			s.Compared.Why = err.Error()
			continue
		}
		judgeHashes(s, asked, hashes)
		return
	}
}

// commonRevision is the newest that all of them have.
func commonRevision(ctx context.Context, q *membership, asked []int) (least int64, err error) {
	for _, i := range asked {
		seen, err := q.all[i].client.Status(ctx)
		if err != nil {
			return 0, err
		}
		if least == 0 || seen.Revision < least {
			least = seen.Revision
		}
	}
	return least, nil
}

// hashesAt asks all of them at once. The error is also of hashes that are not of the same.
func hashesAt(ctx context.Context, q *membership, asked []int, revision int64) ([]etcd.Hash, error) {
	hashes, failures := make([]etcd.Hash, len(asked)), make([]error, len(asked))
	var wg sync.WaitGroup
	for at, i := range asked {
		wg.Go(func() { hashes[at], failures[at] = q.all[i].client.HashKV(ctx, revision) })
	}
	wg.Wait()
	if err := errors.Join(failures...); err != nil {
		return nil, err
	}
	for _, h := range hashes[1:] {
		if !h.Comparable(hashes[0]) {
			return nil, fmt.Errorf("members are compacted at different revisions, %d and %d", hashes[0].Compacted, h.Compacted)
		}
	}
	return hashes, nil
}

// judgeHashes puts comparable hashes into s.
func judgeHashes(s *status.Etcd, asked []int, hashes []etcd.Hash) {
	s.Compared = &status.Comparison{Revision: hashes[0].Revision, Members: len(asked), Agree: true}
	for at, i := range asked {
		s.Members[i].Hash = sum(hashes[at])
		s.Compared.Agree = s.Compared.Agree && hashes[at].Sum == hashes[0].Sum
	}
	if s.Compared.Agree {
		s.Compared.Hash = sum(hashes[0])
	}
}

func sum(h etcd.Hash) string { return fmt.Sprintf("%08x", h.Sum) }
