//go:build linux

package node

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/slipway/slipway/internal/event"
)

func TestLockNamesItsHolder(t *testing.T) {
	m := newMachine(t)
	var waiting []string
	m.Sink = event.SinkFunc(func(e event.Event) { waiting = append(waiting, e.Message) })
	release, err := m.lock(context.Background(), 0)
	if err != nil {
		t.Fatal(err)
	}
	pid := fmt.Sprintf("(pid %d)", os.Getpid())
	if _, err := m.lock(context.Background(), 0); err == nil || !strings.Contains(err.Error(), pid) {
		t.Errorf("%v", err)
	}
	time.AfterFunc(150*time.Millisecond, release)
	again, err := m.lock(context.Background(), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if len(waiting) != 1 || !strings.Contains(waiting[0], pid) {
		t.Errorf("events: %v", waiting)
	}
	again()
	if m.has("/run/lock/slipway.lock") {
		t.Error("the lock's file is left")
	}
}
