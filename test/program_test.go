//go:build lab || torture || bench || vm

package test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

// cluster is a cluster on machines, a lab's or Vagrant's, with its file.
type cluster struct {
	t      *testing.T
	name   string // of the cluster and, where it has one, of its lab
	net    string // first three octets of the machines' subnet
	dir    string // holds cluster.hcl, its state and the lab's folder
	root   string // of the source tree
	binary string
}

func kubernetesVersion() string {
	if v := os.Getenv("KUBERNETES"); v != "" {
		return v
	}
	return "1.36.3"
}

// result is what one run of the program gave.
type result struct {
	stdout, stderr string
	code           int
	took           time.Duration
}

// run runs the program to its end, whatever its exit code.
func (c *cluster) run(args ...string) result {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Minute)
	defer cancel()
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(ctx, c.binary, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = c.dir, &out, &errs
	start := time.Now()
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		c.t.Fatalf("slipway %s: %v", strings.Join(args, " "), err)
	}
	return result{out.String(), errs.String(), cmd.ProcessState.ExitCode(), time.Since(start)}
}

// must runs the program and stops the test unless it succeeds. It returns stdout.
func (c *cluster) must(args ...string) string {
	c.t.Helper()
	r := c.run(args...)
	if r.code != 0 {
		c.t.Fatalf("slipway %s: exit %d\n%s%s", strings.Join(args, " "), r.code, r.stdout, r.stderr)
	}
	return r.stdout
}

// want runs the program, wants that exit code, and returns both streams.
func (c *cluster) want(code int, args ...string) string {
	c.t.Helper()
	r := c.run(args...)
	if r.code != code {
		c.t.Fatalf("slipway %s: exit %d, want %d\n%s%s", strings.Join(args, " "), r.code, code, r.stdout, r.stderr)
	}
	return r.stdout + r.stderr
}

// says wants an exit code, and that both streams together say all of parts.
func (c *cluster) says(r result, code int, parts ...string) {
	c.t.Helper()
	text := strings.Join(strings.Fields(r.stdout+r.stderr), " ") // however it was wrapped
	missing := slices.DeleteFunc(parts, func(p string) bool { return strings.Contains(text, p) })
	if r.code != code || len(missing) > 0 {
		c.t.Fatalf("exit %d, want %d; not said: %q\n%s%s", r.code, code, missing, r.stdout, r.stderr)
	}
}

// eventually polls until do succeeds.
func eventually(t *testing.T, within time.Duration, what string, do func() error) time.Duration {
	t.Helper()
	start := time.Now()
	for {
		err := do()
		if err == nil {
			return time.Since(start)
		}
		if time.Since(start) > within {
			t.Fatalf("%s: not within %s: %v", what, within, err)
		}
		time.Sleep(200 * time.Millisecond)
	}
}
