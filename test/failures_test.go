//go:build lab

package test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestFailuresNameTheMachineAndTheRemedy breaks one of two machines in the ways that machines break, and wants
// an error that says which and what to do, an untouched rest, and an apply that finishes once it is mended.
func TestFailuresNameTheMachineAndTheRemedy(t *testing.T) {
	c := newCluster(t, "broken", "10.82.0", "cp-1=11", "w-1=21")
	body := nodeBlock("cp-1", "control-plane", "11") + nodeBlock("w-1", "worker", "21")
	file := c.writeSingle(body)
	pristine := c.inventory("cp-1")
	wants := func(out string, parts ...string) {
		t.Helper()
		for _, p := range parts {
			if !strings.Contains(out, p) {
				t.Errorf("the error does not say %q:\n%s", p, out)
			}
		}
	}

	c.lab("cut", "w-1")
	wants(c.want(4, "apply", "-f", file), "w-1", c.net+".21")
	c.lab("mend", "w-1")

	known := filepath.Join(c.labDir(), "known_hosts")
	right, err := os.ReadFile(known)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(known, swapKeys(string(right), c.net+".11", c.net+".21"), 0o600); err != nil {
		t.Fatal(err)
	}
	wants(c.want(4, "apply", "-f", file), "w-1", "cp-1", "SHA256:", "known_hosts")
	if err := os.WriteFile(known, right, 0o600); err != nil {
		t.Fatal(err)
	}

	c.exec("w-1", "mount", "-t", "tmpfs", "-o", "size=200m", "tmpfs", "/var/lib/containerd")
	wants(c.want(4, "apply", "-f", file), "w-1", "/var/lib/containerd", "free some space")
	c.exec("w-1", "umount", "/var/lib/containerd")

	c.exec("w-1", "sh", "-c", "mkdir -p /etc/kubernetes/manifests && touch /etc/kubernetes/admin.conf")
	wants(c.want(4, "apply", "-f", file), "w-1", "left by another cluster", "kubeadm reset")
	c.exec("w-1", "rm", "-r", "/etc/kubernetes")

	c.exec("cp-1", "rm", "-rf", "/var/lib/slipway") // the looking-around binary is the only trace so far
	if now := c.inventory("cp-1"); now != pristine {
		t.Errorf("a refused apply changed the other machine:\n%s", diff(pristine, now))
	}

	// A disk that fills up in the middle.
	c.exec("w-1", "sh", "-c", "mkdir -p /var/lib/containerd/slipway-blobs && mount -t tmpfs -o size=60m tmpfs /var/lib/containerd/slipway-blobs")
	wants(c.want(1, "apply", "-f", file), "w-1", "no space left on device")
	c.exec("w-1", "umount", "/var/lib/containerd/slipway-blobs")
	c.must("apply", "-f", file)
	c.want(0, "plan", "-f", file)
	c.becomesReady("cp-1", "w-1")
}

// swapKeys makes known_hosts wrong for two machines, by giving each the other's keys.
func swapKeys(known, a, b string) []byte {
	return []byte(strings.NewReplacer(a, b, b, a).Replace(known))
}
