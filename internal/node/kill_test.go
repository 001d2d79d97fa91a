//go:build linux

package node

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/slipway/slipway/internal/event"
)

// convergeRoot makes this test binary a process that converges the machine in that directory.
const convergeRoot = "SLIPWAY_TEST_CONVERGE_ROOT"

func TestMain(m *testing.M) {
	root := os.Getenv(convergeRoot)
	if root == "" {
		os.Exit(m.Run())
	}
	var s State
	err := json.NewDecoder(os.Stdin).Decode(&s)
	if err == nil {
		err = Machine{Root: root, Sink: event.NewEncoder(os.Stdout)}.Converge(context.Background(), s)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// process is a converge in a process of its own, to be killed.
func process(t *testing.T, m Machine, s State) *exec.Cmd {
	t.Helper()
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), convergeRoot+"="+m.Root)
	cmd.Stdin = bytes.NewReader(text)
	cmd.Stderr = os.Stderr
	return cmd
}

func TestConvergeSurvivesKillsAtAnyMoment(t *testing.T) {
	const kills = 25
	m := newMachine(t)
	m.mustWrite(t, "/etc/theirs", "theirs")
	m.mustWrite(t, "/proc/sys/a/b", "7\n")
	big := strings.Repeat("0123456789abcdef", 1<<18) // long enough to be killed in
	killed := 0
	for round := range kills {
		var rs []Resource
		for i := range 30 {
			rs = append(rs, file(fmt.Sprintf("/etc/d%d/f%d", (i+round)%7, (i+round)%40), fmt.Sprint("text ", round, i)))
		}
		rs = append(rs, file("/etc/theirs", fmt.Sprint("ours ", round)), sysctl("a.b", fmt.Sprint(round)),
			m.send(t, "/usr/bin/one", big+fmt.Sprint(round)), m.send(t, "/usr/bin/two", big+fmt.Sprint("two", round)))
		s := state(rs...)
		cmd := process(t, m, s)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(rand.IntN(120)) * time.Millisecond)
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		if cmd.Wait() != nil {
			killed++
		}
		if round%3 == 0 { // the others leave it to the next round's state
			m.send(t, "/usr/bin/one", big+fmt.Sprint(round))
			m.send(t, "/usr/bin/two", big+fmt.Sprint("two", round))
			converge(t, m, s)
		}
	}
	t.Logf("killed %d of %d before they were done", killed, kills)
	converge(t, m, state())
	if got := m.mustRead(t, "/etc/theirs") + m.mustRead(t, "/proc/sys/a/b"); got != "theirs7\n" {
		t.Errorf("not put back: %q", got)
	}
	left, err := exec.Command("find", m.path("/etc"), m.path("/usr"), "-type", "f").Output()
	if err != nil || strings.TrimSpace(string(left)) != m.path("/etc/theirs") {
		t.Errorf("left: %s %v", left, err)
	}
}
