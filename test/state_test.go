//go:build torture

package test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
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
