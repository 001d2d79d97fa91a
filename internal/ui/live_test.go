package ui

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"reflect"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/hinshun/vt10x"
	"golang.org/x/term"

	"github.com/slipway/slipway/internal/event"
)

const childEnv = "SLIPWAY_UI_TEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		os.Exit(child())
	}
	os.Exit(m.Run())
}

// child shows most of the recorded apply, then works until a signal comes, as an apply would.
func child() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	f, err := os.Open("testdata/apply.ndjson")
	if err != nil {
		fmt.Println(err)
		return 1
	}
	defer f.Close()
	feed := New(os.Stdout, os.Stderr, Text).Follow(Course{Title: "apply prod", Nodes: machines, Query: os.Getenv(childEnv) == "query"})
	n := 0
	if err := event.Decode(f, event.SinkFunc(func(e event.Event) {
		if n++; n <= 180 {
			feed.Emit(e)
		}
	})); err != nil {
		fmt.Println(err)
		return 1
	}
	<-ctx.Done()
	feed.Close()
	feed.Close() // as a deferred one would
	fmt.Println("stopped in order")
	return 3
}

// terminal is a child on a pseudo-terminal, and what its screen shows.
type terminal struct {
	t      *testing.T
	cmd    *exec.Cmd
	master *os.File
	before *term.State
	mu     sync.Mutex
	vt     vt10x.Terminal
	raw    bytes.Buffer
	ended  chan struct{}
}

func startTerminal(t *testing.T, cols, rows int, env ...string) *terminal {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append([]string{childEnv + "=apply", "TERM=xterm-256color", "LANG=C.UTF-8"}, env...)
	master, err := pty.StartWithSize(cmd, &pty.Winsize{Cols: uint16(cols), Rows: uint16(rows)})
	if err != nil {
		t.Fatal(err)
	}
	tm := &terminal{t: t, cmd: cmd, master: master, vt: vt10x.New(vt10x.WithSize(cols, rows)), ended: make(chan struct{})}
	if tm.before, err = term.GetState(int(master.Fd())); err != nil {
		t.Fatal(err)
	}
	go tm.read()
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // already gone when all went well
		<-tm.ended
		master.Close()
	})
	return tm
}

func (tm *terminal) read() {
	defer close(tm.ended)
	buf := make([]byte, 4096)
	for {
		n, err := tm.master.Read(buf)
		tm.mu.Lock()
		tm.raw.Write(buf[:n])
		_, _ = tm.vt.Write(buf[:n])
		tm.mu.Unlock()
		if err != nil { // EIO or EOF: the child has closed its side
			return
		}
	}
}

func (tm *terminal) screen() (screen, raw string) {
	tm.mu.Lock()
	defer tm.mu.Unlock()
	return tm.vt.String(), tm.raw.String()
}

// await waits until the screen shows all of wants.
func (tm *terminal) await(wants ...string) string {
	tm.t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		screen, _ := tm.screen()
		missing := ""
		for _, w := range wants {
			if !strings.Contains(screen, w) {
				missing = w
			}
		}
		if missing == "" {
			return screen
		}
		if time.Now().After(deadline) {
			tm.t.Fatalf("the screen never showed %q:\n%s", missing, screen)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// end waits for the child, which must have stopped in order and left the terminal as it was.
func (tm *terminal) end() {
	tm.t.Helper()
	tm.await("stopped in order")
	err := tm.cmd.Wait()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 3 {
		tm.t.Fatalf("the signal did not reach the child's context: %v", err)
	}
	<-tm.ended
	after, err := term.GetState(int(tm.master.Fd()))
	if err != nil {
		tm.t.Fatal(err)
	}
	if !reflect.DeepEqual(tm.before, after) {
		tm.t.Error("the terminal's mode was changed")
	}
	if !tm.vt.CursorVisible() || tm.vt.Mode()&vt10x.ModeAltScreen != 0 {
		tm.t.Error("the cursor is hidden or the alternate screen is on")
	}
	if _, raw := tm.screen(); !strings.HasSuffix(raw, "stopped in order\r\n") {
		tm.t.Errorf("output ends with %q", raw[max(0, len(raw)-80):])
	}
}

func (tm *terminal) press(key string) {
	if _, err := io.WriteString(tm.master, key); err != nil {
		tm.t.Fatal(err)
	}
}

func TestLiveDisplay(t *testing.T) {
	tm := startTerminal(t, 80, 24)
	screen := tm.await("apply prod", "✓ pki", "✓ preflight", "cp-1", "cp-2", "cp-3", "w-1", "w-2", "━", "MB/s", "! cp-2: cgroup v1")
	rows := 0
	for _, line := range strings.Split(screen, "\n") {
		for _, n := range machines {
			if strings.Contains(line, n+" ") && strings.Contains(line, "payload") {
				rows++
			}
		}
	}
	if rows != len(machines) {
		t.Errorf("%d rows of nodes, want %d:\n%s", rows, len(machines), screen)
	}
	tm.press("\x03") // ctrl-C: the terminal makes a signal of it, which the display must leave alone
	tm.end()
	if screen, _ = tm.screen(); strings.Count(screen, "apply prod") != 1 || !strings.Contains(screen, "stopped in payload") {
		t.Errorf("the last picture stays once, and says where nodes stopped:\n%s", screen)
	}
}

func TestLiveDisplayEndsOnTerm(t *testing.T) {
	tm := startTerminal(t, 80, 24, childEnv+"=query")
	tm.await("w-2", "payload")
	if err := tm.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	tm.end()
	if screen, _ := tm.screen(); strings.Contains(screen, "payload") || !strings.Contains(screen, "cp-2: cgroup v1") {
		t.Errorf("a query's display leaves its warnings and nothing else:\n%s", screen)
	}
}

func TestLiveDisplayFollowsTheSize(t *testing.T) {
	tm := startTerminal(t, 120, 40)
	tm.await("w-2", "payload")
	tm.mu.Lock()
	tm.vt.Resize(60, 12)
	tm.mu.Unlock()
	if err := pty.Setsize(tm.master, &pty.Winsize{Cols: 60, Rows: 12}); err != nil {
		t.Fatal(err)
	}
	tm.await("cp-1", "cp-2", "cp-3")
	tm.press("\x03")
	tm.end()
}

func TestDisplayWithoutColour(t *testing.T) {
	tm := startTerminal(t, 80, 24, "NO_COLOR=1")
	tm.await("w-2", "payload", "━")
	tm.press("\x03")
	tm.end()
	if _, raw := tm.screen(); regexp.MustCompile(`\x1b\[[0-9;]*m`).MatchString(raw) {
		t.Errorf("colours in spite of NO_COLOR: %q", raw)
	}
}

func TestDisplayFallsBackToLines(t *testing.T) {
	for name, c := range map[string]struct {
		cols, rows int
		env        []string
	}{
		"dumb":  {80, 24, []string{"TERM=dumb"}},
		"small": {40, 8, []string{"NO_COLOR=1"}},
	} {
		t.Run(name, func(t *testing.T) {
			tm := startTerminal(t, c.cols, c.rows, c.env...)
			tm.await("payload")
			tm.press("\x03")
			tm.end()
			if _, raw := tm.screen(); strings.Contains(raw, "\x1b") {
				t.Errorf("escape sequences: %q", raw)
			}
		})
	}
}
