package bootstrap

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway/slipway/components"
	"github.com/slipway/slipway/internal/spec"
)

// threePlanes is a run over three control planes of this cluster, of which the third does not answer.
func threePlanes(t *testing.T) *Run {
	t.Helper()
	r := newRun(t)
	r.Cluster.Nodes, r.machines = nil, nil
	for n := 1; n <= 3; n++ {
		m := plane(n)
		m.facts.Cluster = r.certs.ClusterID()
		r.Cluster.Nodes, r.machines = append(r.Cluster.Nodes, m.node), append(r.machines, m)
	}
	r.machines[2].host = nil
	return r
}

func TestChooseSurvivor(t *testing.T) {
	r := threePlanes(t)
	alive := []survivor{{r.machines[1], 90, false}, {r.machines[0], 80, false}} // as survivors sorts them
	p, err := r.choose(alive, "")
	if err != nil {
		t.Fatal(err)
	}
	want := []Other{
		{Name: "cp-1", Address: "10.0.0.11", Is: "its member lives at index 80: it is stopped, and its data moved aside"},
		{Name: "cp-3", Address: "10.0.0.13", Is: "does not answer", Silent: true},
	}
	if diff := cmp.Diff(want, p.Others); diff != "" || p.Survivor != "cp-2" || p.Index != 90 {
		t.Errorf("%s at %d\n%s", p.Survivor, p.Index, diff)
	}
	if p, err := r.choose(alive, "cp-1"); err != nil || p.Survivor != "cp-1" {
		t.Errorf("named: %+v, %v", p, err)
	}
	if _, err := r.choose(alive, "cp-3"); err == nil || !strings.Contains(err.Error(), "no member answers on cp-3") {
		t.Errorf("one that does not answer: %v", err)
	}
	r.Cluster.Nodes = r.Cluster.Nodes[:1]
	if _, err := r.choose(alive, ""); err == nil || !strings.Contains(err.Error(), "not in the file") {
		t.Errorf("one that left the file: %v", err)
	}
}

// TestHalfRecovered: until it is finished, nothing else may be done to the cluster, nor by another member.
func TestHalfRecovered(t *testing.T) {
	r := threePlanes(t)
	if err := r.guardRecovery(); err != nil {
		t.Fatal(err)
	}
	p := &Recovery{Survivor: "cp-1", Begun: time.Now().UTC()}
	if err := r.dir.Put(recoveryFile, p); err != nil {
		t.Fatal(err)
	}
	half := new(RecoveryError)
	if err := r.guardRecovery(); !errors.As(err, &half) || !half.Half {
		t.Errorf("it stands half way: %v", err)
	}
	for from, want := range map[string]string{"": "", "cp-1": "", "cp-2": "was begun from cp-1"} {
		err := r.mayGoOn(p, from)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("from %q: %v", from, err)
		}
	}
	r.machines[0].host = nil
	if err := r.mayGoOn(p, ""); err == nil || !strings.Contains(err.Error(), "does not answer") {
		t.Errorf("the survivor is away: %v", err)
	}
	first, second := components.Membership{Initial: "one"}, components.Membership{Initial: "two", Existing: true}
	if err := r.dir.Put(membersFile, map[string]components.Membership{"cp-1": first, "cp-2": second}); err != nil {
		t.Fatal(err)
	}
	if err := r.finishRecovery(p); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]components.Membership{"cp-1": first}, r.members); diff != "" {
		t.Error(diff)
	}
	if err := r.guardRecovery(); err != nil {
		t.Errorf("it is finished: %v", err)
	}
}

func TestInOrder(t *testing.T) {
	worker := &machine{node: declare("w-1", spec.Worker, "10.0.0.21")}
	alive, dead, left := plane(1), plane(2), plane(3)
	dead.host, left.left = nil, "a cluster"
	others, planes := inOrder([]*machine{alive, worker, left, dead})
	if len(others) != 2 || others[0] != worker || others[1] != left || len(planes) != 2 || planes[0] != dead || planes[1] != alive {
		t.Errorf("%v, %v", others, planes)
	}
}
