//go:build torture

package test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
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

// lastStage is the last stage that a log of apply tells of.
func lastStage(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	stages := regexp.MustCompile(`cluster +(\S+) +started`).FindAllStringSubmatch(string(text), -1)
	if len(stages) == 0 {
		return "before the first stage"
	}
	return stages[len(stages)-1][1]
}
