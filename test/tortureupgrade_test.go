//go:build torture

package test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/slipway/slipway/internal/spec"
)

// killedUpgrade is one killed apply of an upgrade.
type killedUpgrade struct {
	to    string
	after time.Duration
	doing string
}

// TestKilledUpgrades upgrades a loaded cluster over two minor versions with an apply that is killed with SIGKILL again and again at
// random moments, ten times in all, and then left alone: nothing of the load is lost, and every node runs the version. UPGRADE_FROM
// names a version to begin at other than the oldest. The result is written to docs/results/torture-upgrade.md.
func TestKilledUpgrades(t *testing.T) {
	const kills = 10
	versions := spec.SupportedKubernetes()
	if i := slices.Index(versions, os.Getenv("UPGRADE_FROM")); i > 0 {
		versions = versions[i:]
	}
	t.Setenv("KUBERNETES", versions[0])
	c := newCluster(t, "killup", "10.89.0", highlyAvailableMachines()...)
	file := c.write(highlyAvailable())
	c.must("apply", "-f", file)
	c.becomesReady("cp-1", "cp-2", "cp-3", "w-1", "w-2")
	before := c.loaded()
	var done []killedUpgrade
	longest := map[string]time.Duration{}
	for hop, version := range versions[1:] {
		c.to(version, "")
		longest[version] = c.whileAskedFor(func() {
			for len(done) < kills*(hop+1)/(len(versions)-1) {
				k := killedUpgrade{to: version, after: 5*time.Second + rand.N(35*time.Second)}
				if k.doing = c.killed(k.after, "apply", "-f", file); k.doing == finished {
					break
				}
				t.Logf("%s: killed after %.1f s (%s)", k.to, k.after.Seconds(), k.doing)
				done = append(done, k)
			}
			c.must("apply", "-f", file)
		})
		c.runs(version)
		c.unlost(before)
		c.want(0, "plan", "-f", file)
	}
	if !t.Failed() {
		writeKilledUpgrades(t, versions, done, longest)
	}
}

func writeKilledUpgrades(t *testing.T, versions []string, kills []killedUpgrade, longest map[string]time.Duration) {
	t.Helper()
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	commit, err := sourceCommit(root)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, `# Torture: upgrades killed at random moments

Written by `+"`make torture`"+` (TestKilledUpgrades), commit %s, %s. Three control planes and two workers with 500 ConfigMaps and Secrets and 20 Deployments go from
%s. `+"`slipway apply`"+` is killed with SIGKILL, and run again, and killed again; the last of each version is left alone. Wanted, and seen: exit code 0,
every node Ready at the version and schedulable, all 520 objects with the same uid and data, all Deployments available, and nothing left to do.

| to | killed after | in the stages |
|---|---|---|
`, commit, time.Now().Format(time.DateOnly), strings.Join(versions, " to "))
	for _, k := range kills {
		fmt.Fprintf(&b, "| %s | %.1f s | %s |\n", k.to, k.after.Seconds(), k.doing)
	}
	for _, version := range versions[1:] {
		fmt.Fprintf(&b, "\nTo %s: the longest time without an answer to a new connection through the shared address was %.1f s.\n", version, longest[version].Seconds())
	}
	if err := os.WriteFile(filepath.Join(root, "docs", "results", "torture-upgrade.md"), []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}
