package bootstrap

import (
	"context"
	"errors"
	"strings"
	"testing"
)

// TestStartAndVote: once a member votes, nobody may be told that it has no vote, or that the others' quorum is what it was.
func TestStartAndVote(t *testing.T) {
	broken := errors.New("a unit fails")
	fails := func(context.Context) error { return broken }
	works := func(context.Context) error { return nil }
	waits := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	if err := startAndVote(t.Context(), "cp-4", works, works); err != nil {
		t.Error(err)
	}

	var learner *LearnerError
	if err := startAndVote(t.Context(), "cp-4", fails, waits); !errors.As(err, &learner) || !errors.Is(err, broken) || learner.Node() != "cp-4" {
		t.Errorf("failed before the vote: %v", err)
	}
	if err := startAndVote(t.Context(), "cp-4", waits, fails); !errors.As(err, &learner) {
		t.Errorf("did not come to vote: %v", err)
	}

	voted := make(chan struct{})
	err := startAndVote(t.Context(), "cp-4",
		func(context.Context) error { <-voted; return broken },
		func(context.Context) error { close(voted); return nil })
	var voter *VoterError
	if !errors.As(err, &voter) || errors.As(err, &learner) || !errors.Is(err, broken) || voter.Node() != "cp-4" {
		t.Fatalf("failed after the vote: %v", err)
	}
	if said := err.Error() + voter.Remedy(); !strings.Contains(said, "cp-4 votes in etcd") || strings.Contains(said, "learner") || strings.Contains(said, "is what it was") {
		t.Error(said)
	}
}
