package check

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/slipway/slipway/internal/event"
)

func TestWaitUntilAllHold(t *testing.T) {
	tries := 0
	var done []string
	err := Wait(t.Context(), event.SinkFunc(func(e event.Event) {
		if e.Kind == event.Done {
			done = append(done, e.Subject)
		}
	}), Condition{Name: "third time", Test: func(context.Context) error {
		if tries++; tries < 3 {
			return errors.New("not yet")
		}
		return nil
	}})
	if err != nil || tries != 3 || len(done) != 1 || done[0] != "third time" {
		t.Fatalf("err %v after %d tries, done %v", err, tries, done)
	}
}

func TestTimeoutNamesConditionAndLastReason(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	err := Wait(ctx, event.Discard,
		Condition{Name: "holds", Test: func(context.Context) error { return nil }},
		Condition{Name: "never", Test: func(context.Context) error { return errors.New("the disk is full") }})
	if err == nil || !strings.Contains(err.Error(), `"never": the disk is full`) || strings.Contains(err.Error(), "holds") {
		t.Fatalf("got %v", err)
	}
}
