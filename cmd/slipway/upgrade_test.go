package main

import (
	"strings"
	"testing"

	"github.com/slipway/slipway/bootstrap"
)

// TestNextSteps: at the end of each step stands what is to be done next, and where.
func TestNextSteps(t *testing.T) {
	const finish = "Last, on any control plane, when all machines are there: slipway upgrade finish"
	for name, test := range map[string]struct {
		u    bootstrap.Upgraded
		want []string
	}{
		"the first of three": {bootstrap.Upgraded{Changed: true, ControlPlanes: []string{"cp-2", "cp-3"}, Workers: []string{"w-1"}},
			[]string{"cp-1 is at Kubernetes 1.36.3.", "Next, on cp-2, cp-3, one after the other: slipway upgrade node", "Then, on w-1: slipway upgrade node", finish}},
		"without workers": {bootstrap.Upgraded{Changed: true, ControlPlanes: []string{"cp-2"}},
			[]string{"cp-1 is at Kubernetes 1.36.3.", "Next, on cp-2, one after the other: slipway upgrade node"}},
		"done before": {bootstrap.Upgraded{Workers: []string{"w-1"}},
			[]string{"No changes: cp-1 is at Kubernetes 1.36.3 already.", "Then, on w-1: slipway upgrade node", finish}},
		"a worker that was cordoned": {bootstrap.Upgraded{Changed: true, Cordoned: true},
			[]string{"cp-1 is at Kubernetes 1.36.3.", "It was cordoned before, and still is. On a control plane: kubectl uncordon cp-1", finish}},
		"the end": {bootstrap.Upgraded{Changed: true, Finished: true}, []string{"The cluster is at Kubernetes 1.36.3, on every machine."}},
		"nothing at all": {bootstrap.Upgraded{Finished: true},
			[]string{"No changes: the cluster is at Kubernetes 1.36.3, and no change of version is under way. slipway upgrade plan, on a control plane, shows what is possible."}},
	} {
		test.u.Version = "1.36.3"
		if got := strings.Join(nextSteps("cp-1", test.u), "\n"); got != strings.Join(test.want, "\n") {
			t.Errorf("%s:\n%s", name, got)
		}
	}
}
