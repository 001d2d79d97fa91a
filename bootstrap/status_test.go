package bootstrap

import (
	"testing"
	"time"

	"github.com/slipway/slipway/internal/host"
	"github.com/slipway/slipway/internal/node"
	"github.com/slipway/slipway/internal/spec"
	"github.com/slipway/slipway/internal/status"
	"github.com/slipway/slipway/pki"
)

func TestHealth(t *testing.T) {
	member := func(healthy, learner bool) status.Member { return status.Member{Healthy: healthy, Learner: learner} }
	good, bad := member(true, false), member(false, false)
	serving := []status.ControlPlane{{}, {APIServer: &status.Component{Healthy: true}}}
	silent := []status.ControlPlane{{APIServer: &status.Component{}}}
	problem := []status.Problem{{What: "x"}}
	for name, test := range map[string]struct {
		etcd     []status.Member
		serving  []status.ControlPlane
		problems []status.Problem
		want     status.Health
	}{
		"all is well":        {[]status.Member{good, good, good}, serving, nil, status.Healthy},
		"something":          {[]status.Member{good, good, good}, serving, problem, status.Degraded},
		"a member is away":   {[]status.Member{good, good, bad}, serving, problem, status.Degraded},
		"no quorum":          {[]status.Member{bad, bad, bad}, serving, problem, status.Down},
		"fewer members":      {[]status.Member{good, bad, bad}, serving, problem, status.Degraded},
		"learners vote not":  {[]status.Member{member(true, true), bad, bad}, serving, problem, status.Down},
		"no API server":      {[]status.Member{good, good, good}, silent, problem, status.Down},
		"nothing was looked": {nil, nil, nil, status.Down},
	} {
		r := newRun(t)
		r.Cluster.Nodes = []spec.Node{declare("a", spec.ControlPlane, "10.0.0.1"), declare("b", spec.ControlPlane, "10.0.0.2"), declare("c", spec.ControlPlane, "10.0.0.3")}
		s := &status.Status{Etcd: test.etcd, ControlPlane: test.serving, Problems: test.problems}
		if got := r.health(s); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}

// TestStatusCertificates: all authorities, and of each node's certificates the one that ends first.
func TestStatusCertificates(t *testing.T) {
	r, s := newRun(t), &status.Status{}
	r.statusCertificates(s)
	authorities, nodes := 0, map[string]int{}
	for _, c := range s.Certificates {
		if c.CA {
			authorities++
		} else if c.Node != "" {
			nodes[c.Node]++
		}
	}
	if authorities != 3 || len(nodes) != 2 || nodes["cp-1"] != 1 || nodes["w-1"] != 1 || len(s.Problems) != 0 {
		t.Errorf("%d authorities, nodes %v, problems %v", authorities, nodes, s.Problems)
	}

	short := newRun(t)
	short.Cluster.PKI.Lifetime = 29 * 24 * time.Hour
	var err error
	if short.certs, err = pki.Create(short.Cluster, time.Now()); err != nil {
		t.Fatal(err)
	}
	s = &status.Status{}
	short.statusCertificates(s)
	if len(s.Problems) < 10 || s.Problems[0].Remedy == "" {
		t.Errorf("%d problems with certificates that end soon", len(s.Problems))
	}
}

func TestHolders(t *testing.T) {
	holds := func(node string, leader bool) status.ControlPlane {
		return status.ControlPlane{Node: node, Keepalived: &status.Component{Leader: leader}}
	}
	for want, holders := range map[string][]status.ControlPlane{
		"": {holds("a", true), holds("b", false), {Node: "w"}},
		"0 machines hold the endpoint's address 10.0.0.100":      {holds("a", false), holds("b", false)},
		"2 machines hold the endpoint's address 10.0.0.100 a, b": {holds("a", true), holds("b", true)},
	} {
		r, s := newRun(t), &status.Status{ControlPlane: holders}
		r.statusHolders(s)
		got := ""
		if len(s.Problems) == 1 {
			got = s.Problems[0].What
		}
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestAlive: that a machine answers says nothing of what should run on it.
func TestAlive(t *testing.T) {
	seen := func(running ...string) node.Facts { return node.Facts{Hostname: "cp-1", Running: running} }
	for want, m := range map[string]*machine{
		"":                                   {host: &host.Local{}, facts: seen(keepalived)},
		"no process keepalived runs":         {host: &host.Local{}, facts: seen("haproxy")},
		"the machine told nothing of itself": {host: &host.Local{}},
		errUnreached.Error():                 {facts: seen(keepalived)},
	} {
		got := ""
		if err := alive(m, keepalived); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestComponentProblems: whatever is not well in the table is told in whole below it; etcd's members tell of themselves.
func TestComponentProblems(t *testing.T) {
	bad := &status.Component{Message: "dial tcp 127.0.0.1:8405: connect: connection refused"}
	good := &status.Component{Healthy: true}
	got := new(Run).componentProblems(status.ControlPlane{Node: "cp-1", Etcd: bad, APIServer: good, Scheduler: good, HAProxy: bad})
	if len(got) != 1 || got[0].Node != "cp-1" || got[0].What != "haproxy: "+bad.Message || got[0].Remedy == "" {
		t.Errorf("%+v", got)
	}
}
