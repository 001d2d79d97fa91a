//go:build lab || torture

package test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// adopted takes the cluster over from the operator's machine, by the file that it exports, and finds all as it was.
func (c *cluster) adopted(machines []string) {
	c.t.Helper()
	uids := func() string {
		return c.asAdmin("cp-2", "get", "deployments,services,configmaps,secrets", "-A", "-o", "jsonpath={range .items[*]}{.kind} {.metadata.name} {.metadata.uid}{\"\\n\"}{end}")
	}
	before := uids()
	text := c.exec("cp-1", "/opt/slipway", "export", "--private-key", c.dir+"/lab/id_ed25519", "--known-hosts", c.dir+"/lab/known_hosts")
	file := filepath.Join(c.dir, "cluster.hcl")
	bundle := fmt.Sprintf("{\n  bundle = %q\n", filepath.Join(c.root, "build", "slipway-"+kubernetesVersion()+"-amd64.bundle"))
	if err := os.WriteFile(file, []byte(strings.Replace(text, "{\n", bundle, 1)), 0o600); err != nil {
		c.t.Fatal(err)
	}
	c.must("apply", "-f", file)
	c.want(0, "plan", "-f", file)
	c.becomesReady(machines...)
	after := uids()
	for _, line := range strings.Split(before, "\n") {
		if !strings.Contains(after, line) {
			c.t.Errorf("taken over, the cluster has no longer the object %s", line)
		}
	}
	if n := c.voters("cp-1"); n != 3 {
		c.t.Errorf("taken over, there are %d voters, want 3", n)
	}
}
