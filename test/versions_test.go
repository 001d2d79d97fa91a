//go:build torture

package test

import (
	"testing"

	"github.com/slipway/slipway/internal/bundle"
)

// TestEveryVersion makes a cluster of each supported version of Kubernetes, and wants the programs to be that version.
func TestEveryVersion(t *testing.T) {
	for _, version := range bundle.SupportedKubernetes() {
		t.Run(version, func(t *testing.T) {
			t.Setenv("KUBERNETES", version)
			c := newCluster(t, "torture", "10.85.0", highlyAvailableMachines()...)
			file := c.write(highlyAvailable())
			c.must("apply", "-f", file)
			c.want(0, "plan", "-f", file)
			c.becomesReady("cp-1", "cp-2", "cp-3", "w-1", "w-2")
			c.becomesHealthy(file)
			versions := c.exec("cp-1", "kubectl", "--kubeconfig", "/etc/kubernetes/admin.conf", "get", "nodes",
				"-o", "jsonpath={range .items[*]}{.status.nodeInfo.kubeletVersion} {end}")
			if want := "v" + version + " v" + version + " v" + version + " v" + version + " v" + version + " "; versions != want {
				t.Fatalf("kubelets are %q, want %q", versions, want)
			}
		})
	}
}
