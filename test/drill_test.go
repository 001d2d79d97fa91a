//go:build torture

package test

import (
	"cmp"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/slipway/slipway/internal/drill"
)

// TestDrill upgrades a cluster under load, and wants the report to tell the truth about it: nothing that was acknowledged is lost, every
// node's turn is a stage with requests of its own, and whatever goal is missed is named. DRILL_REPORT names a file to keep the page in.
func TestDrill(t *testing.T) {
	t.Setenv("KUBERNETES", "1.35.4")
	c := newCluster(t, "drill", "10.90.0", highlyAvailableMachines()...)
	file := c.write(highlyAvailable())
	c.must("apply", "-f", file)
	c.becomesReady("cp-1", "cp-2", "cp-3", "w-1", "w-2")

	if out := c.want(3, "drill", "upgrade", "-f", file, "--to", "1.36.3"); !strings.Contains(out, "--agree drill") {
		t.Errorf("a cluster that did not agree is refused without a remedy:\n%s", out)
	}
	calm := c.drill(0, "watch", "-f", file, "--agree", "drill", "--for", "15s")
	if calm.API.Requests < 280 || calm.API.Failed != 0 || calm.Writes.Acknowledged < 140 || calm.Watch.Seen != calm.Writes.Acknowledged {
		t.Errorf("of a cluster at rest: %+v, %+v, %+v", calm.API, calm.Writes, calm.Watch)
	}

	r := c.drill(-1, "upgrade", "-f", file, "--to", "1.36.3", "--agree", "drill", "--report", cmp.Or(os.Getenv("DRILL_REPORT"), filepath.Join(c.dir, "drill.html")), "--write")
	if r.Failure != "" || r.From != "1.35.4" || r.To != "1.36.3" {
		t.Errorf("from %s to %s: %s", r.From, r.To, r.Failure)
	}
	if w := r.Writes; w.Unchecked != "" || len(w.Lost) > 0 || len(w.Stale) > 0 || w.Acknowledged < 1000 {
		t.Errorf("writes: %+v", w)
	}
	if r.Watch.Unchecked != "" || len(r.Watch.Missed) > 0 {
		t.Errorf("the watch: %+v", r.Watch)
	}
	if o := r.Objects; o.Unchecked != "" || len(o.Lost) > 0 || len(o.Changed) > 0 || o.Compared < 10 {
		t.Errorf("objects: %+v", o)
	}
	for _, n := range []string{"cp-1", "cp-2", "cp-3", "w-1", "w-2"} {
		i := slices.IndexFunc(r.Stages, func(s drill.Stage) bool {
			return slices.Equal(s.Names(), []string{n}) && s.API.Requests > 20 && s.Service.Requests > 10
		})
		if i < 0 {
			t.Errorf("no stage of %s alone has requests of its own", n)
		}
		last := ""
		for _, change := range r.Changes {
			if change.What == drill.Version && change.Node == n {
				last = change.Is
			}
		}
		if last != "1.36.3" {
			t.Errorf("%s is last seen at %q", n, last)
		}
	}
	for _, what := range []drill.Aspect{drill.Leader, drill.Holder} {
		if !slices.ContainsFunc(r.Changes, func(c drill.Change) bool { return c.What == what && c.Is != "" }) {
			t.Errorf("nobody was seen as %s", what)
		}
	}
	c.drillLeftNothing(file)
}

// drill runs a drill and reads its report; a code of -1 stands for either of those of a drill that went through.
func (c *cluster) drill(code int, args ...string) *drill.Report {
	c.t.Helper()
	path := filepath.Join(c.dir, "drill.json")
	run := c.run(append([]string{"drill"}, append(args, "--json", path)...)...)
	c.t.Logf("slipway drill %s: exit %d after %.0f s\n%s%s", strings.Join(args, " "), run.code, run.took.Seconds(), run.stdout, run.stderr)
	if run.code != code && (code != -1 || run.code != 0 && run.code != 7) {
		c.t.Fatalf("exit %d", run.code)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		c.t.Fatal(err)
	}
	r := &drill.Report{}
	if err := json.Unmarshal(text, r); err != nil {
		c.t.Fatal(err)
	}
	if r.Met != (run.code == 0) {
		c.t.Errorf("exit %d, and every goal met: %t", run.code, r.Met)
	}
	return r
}

// drillLeftNothing wants the cluster as a drill found it, and the file saying what it runs.
func (c *cluster) drillLeftNothing(file string) {
	t := c.t
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), `kubernetes = "1.36.3"`) {
		t.Errorf("--write did not:\n%s", text)
	}
	if spaces := c.exec("cp-1", "kubectl", "--kubeconfig", "/etc/kubernetes/admin.conf", "get", "namespaces", "-o", "name"); strings.Contains(spaces, "slipway-drill") {
		t.Errorf("the drill's namespace is still there:\n%s", spaces)
	}
	c.to("1.36.3", "")
	c.want(0, "plan", "-f", file)
	c.want(3, "drill", "upgrade", "-f", file, "--to", "1.36.3", "--agree", "drill")
}
