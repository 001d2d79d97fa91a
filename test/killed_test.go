//go:build torture

package test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// killsOf is how often to kill: what the variable says, or else usual.
func killsOf(t *testing.T, variable string, usual int) int {
	t.Helper()
	v := os.Getenv(variable)
	if v == "" {
		return usual
	}
	kills, err := strconv.Atoi(v)
	if err != nil || kills < 1 {
		t.Fatalf("%s is %q: expected a number of kills, 1 or more", variable, v)
	}
	return kills
}

const finished = "finished"

// killed runs the program and kills it with SIGKILL; the stages that it was in, or finished where it was faster.
func (c *cluster) killed(after time.Duration, args ...string) (doing string) {
	c.t.Helper()
	log, err := os.Create(filepath.Join(c.dir, "killed.log"))
	if err != nil {
		c.t.Fatal(err)
	}
	defer log.Close()
	cmd := exec.Command(c.binary, args...)
	cmd.Dir, cmd.Stderr = c.dir, log
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	timer := time.AfterFunc(after, func() { _ = cmd.Process.Signal(syscall.SIGKILL) }) // it may have finished
	_ = cmd.Wait()                                                                     // killed is no error here
	timer.Stop()
	if cmd.ProcessState.Success() {
		return finished
	}
	return runningStages(c.t, log.Name())
}

// runningStages are the stages that a log of apply tells to have begun and not to have ended.
func runningStages(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var running []string
	last := "the start"
	for _, m := range regexp.MustCompile(`cluster +(\S+) +(started|done)`).FindAllStringSubmatch(string(text), -1) {
		if m[2] == "started" {
			running = append(running, m[1])
			continue
		}
		running = slices.DeleteFunc(running, func(stage string) bool { return stage == m[1] })
		last = m[1]
	}
	if len(running) == 0 {
		return "after " + last
	}
	return strings.Join(running, ", ")
}
