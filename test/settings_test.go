//go:build lab

package test

import (
	"strings"
)

// settingGoesRound changes a flag of every API server while somebody asks through the shared address.
func (c *cluster) settingGoesRound(file string) {
	t := c.t
	c.write(highlyAvailable() + "component \"kube-apiserver\" { flags = { audit-log-maxage = \"31\" } }\n")
	if out := c.want(2, "plan", "-f", file); !strings.Contains(out, "In this order") || strings.Count(out, "restarts kube-apiserver") != 3 {
		t.Errorf("the plan does not tell the order:\n%s", out)
	}
	gap := c.whileAskedFor(func() { c.must("apply", "-f", file) })
	t.Logf("while three API servers took a new flag, the longest time without an answer through the shared address was %.1f s", gap.Seconds())
	c.want(0, "plan", "-f", file)
	for _, m := range []string{"cp-1", "cp-2", "cp-3"} {
		if out := c.exec(m, "sh", "-c", "tr '\\0' ' ' </proc/$(pgrep -f ^kube-apiserver)/cmdline"); !strings.Contains(out, "--audit-log-maxage=31") {
			t.Errorf("%s's API server runs as %s", m, out)
		}
	}
}

// settingIsPutBack changes a flag to one that no API server starts with. One that the version does not know is refused before anything is changed; with
// a value that only the API server itself can judge, the first control plane is put back, and no other touched.
func (c *cluster) settingIsPutBack(file string) {
	t := c.t
	before := c.manifests()
	c.write(highlyAvailable() + "component \"kube-apiserver\" { flags = { audit-log-maxage = \"31\", no-such-flag = \"1\" } }\n")
	if said := c.want(3, "apply", "-f", file); !strings.Contains(said, "Unknown flag") || !strings.Contains(said, "no flag --no-such-flag") {
		t.Errorf("the flag is not refused:\n%s", said)
	}
	if after := c.manifests(); after != before {
		t.Errorf("manifests after a refusal:\n%s", diff(before, after))
	}
	c.write(highlyAvailable() + "component \"kube-apiserver\" { flags = { audit-log-maxage = \"31\", audit-log-format = \"sideways\" } }\n")
	var said string
	gap := c.whileAskedFor(func() { said = c.want(6, "apply", "-f", file) })
	t.Logf("meanwhile the longest time without an answer through the shared address was %.1f s", gap.Seconds())
	for _, want := range []string{"put back to what it ran before", "invalid audit log format sideways"} {
		if !strings.Contains(said, want) {
			t.Errorf("the error does not speak of %q:\n%s", want, said)
		}
	}
	if after := c.manifests(); after != before {
		t.Errorf("manifests:\n%s", diff(before, after))
	}
	c.write(highlyAvailable())
	c.must("apply", "-f", file)
	c.want(0, "plan", "-f", file)
	c.becomesHealthy(file)
}

// manifests are the sums of all control planes' static pods.
func (c *cluster) manifests() (all string) {
	for _, m := range []string{"cp-1", "cp-2", "cp-3"} {
		all += m + "\n" + c.exec(m, "sh", "-c", "sha256sum /etc/kubernetes/manifests/*")
	}
	return all
}
