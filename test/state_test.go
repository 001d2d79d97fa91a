//go:build torture

package test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// clusterID is what the state directory says; "" before there is a cluster.
func (c *cluster) clusterID() string {
	c.t.Helper()
	ca, err := os.ReadFile(filepath.Join(c.dir, ".slipway", c.name, "pki", "ca.crt"))
	if errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	if err != nil {
		c.t.Fatal(err)
	}
	return string(ca)
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
