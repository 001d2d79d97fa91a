package ui

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway/slipway/internal/status"
)

var noon = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)

func ok() *status.Component     { return &status.Component{Healthy: true} }
func leader() *status.Component { return &status.Component{Healthy: true, Leader: true} }

func healthy() *status.Status {
	const day = 24 * time.Hour
	st := &status.Status{Cluster: "prod", Kubernetes: "1.36.3", Endpoint: "10.0.0.100:6443", Time: noon, Health: status.Healthy}
	for i, name := range machines {
		n := status.Node{Name: name, Role: "control-plane", Address: "10.0.0.1" + string(rune('1'+i)), Reachable: true,
			Joined: true, Ready: true, Version: "1.36.3", Runtime: "containerd 2.4.2", Pods: 9}
		if strings.HasPrefix(name, "w-") {
			n.Role, n.Pods = "worker", 4
		}
		st.Nodes = append(st.Nodes, n)
	}
	st.ControlPlane = []status.ControlPlane{
		{Node: "cp-1", Etcd: leader(), APIServer: ok(), ControllerManager: ok(), Scheduler: leader(), HAProxy: ok(), Keepalived: leader()},
		{Node: "cp-2", Etcd: ok(), APIServer: ok(), ControllerManager: leader(), Scheduler: ok(), HAProxy: ok(), Keepalived: ok()},
		{Node: "cp-3", Etcd: ok(), APIServer: ok(), ControllerManager: ok(), Scheduler: ok(), HAProxy: ok(), Keepalived: ok()},
	}
	for i, id := range []string{"8e9e05c52164694d", "91bc3c398fb3c146", "fd422379fda50e48"} {
		st.Etcd = append(st.Etcd, status.Member{Node: machines[i], ID: id, Leader: i == 0, Healthy: true, Version: "3.6.14",
			DBBytes: 21_300_000, InUse: 8_100_000, Index: 48211})
	}
	st.Certificates = []status.Certificate{
		{Name: "ca", CA: true, Expires: noon.Add(3650 * day)}, {Name: "etcd-ca", CA: true, Expires: noon.Add(3650 * day)},
		{Name: "apiserver", Node: "cp-1", Expires: noon.Add(364 * day)}, {Name: "kubelet-client", Node: "w-1", Expires: noon.Add(364 * day)},
	}
	st.Backups = &status.Backups{Schedule: "*-*-* 02:00:00", Verify: "Sun 04:00",
		Made: &status.Turn{Node: "cp-2", Began: noon.Add(-10 * time.Hour), Seconds: 3.5, Archive: "prod-20260314T020000Z.slipway", Bytes: 21_307_392, Revision: 48211},
		Proven: &status.Turn{Node: "cp-3", Began: noon.Add(-6 * day), Bytes: 20_900_000, Revision: 41007,
			Found: "its data and every Secret (104), with this machine's key", Open: []string{"that its sealed keys can be opened: that was not tried, for want of an identity"}},
	}
	return st
}

func degraded() *status.Status {
	st := healthy()
	st.Health = status.Degraded
	st.Nodes[1].Ready, st.Nodes[1].Reachable = false, false
	st.Nodes[3].Cordoned, st.Nodes[3].Conditions = true, []string{"DiskPressure"}
	st.Nodes[4] = status.Node{Name: "w-2", Role: "worker", Address: "10.0.0.15", Reachable: true}
	st.Nodes = append(st.Nodes, status.Node{Name: "w-9", Role: "worker", Address: "10.0.0.29", Joined: true, Ready: true, Undeclared: true, Version: "1.35.4"})
	st.ControlPlane[1] = status.ControlPlane{Node: "cp-2", Etcd: &status.Component{Message: "dial tcp 10.0.0.12:2379: i/o timeout"},
		APIServer: &status.Component{Message: "the machine cannot be reached"}, ControllerManager: &status.Component{}, Scheduler: &status.Component{}}
	st.ControlPlane[0].Scheduler.Healthy, st.ControlPlane[0].Scheduler.Message = false, "dial tcp 127.0.0.1:10259: connect: connection refused"
	st.ControlPlane[2].HAProxy = &status.Component{Message: "dial tcp 127.0.0.1:8405: connect: connection refused"}
	st.ControlPlane[2].Keepalived = &status.Component{Message: "no process keepalived runs", Leader: true}
	st.Etcd[1] = status.Member{Node: "cp-2", ID: "91bc3c398fb3c146"}
	st.Etcd[2].Learner, st.Etcd[2].Lag = true, 1200
	st.Certificates[2].Expires = noon.Add(5 * 24 * time.Hour)
	st.Certificates[3].Expires = noon.Add(-time.Hour)
	st.Backups.MakeFailed = &status.Turn{Node: "cp-1", Began: noon.Add(-time.Minute), Error: "write /var/backups/slipway: no space left on device"}
	st.Backups.Proven = nil
	st.Problems = []status.Problem{
		{Node: "cp-2", What: "ssh: connect to 10.0.0.12:22: connection timed out", Remedy: "power it on, or take it out of the file and apply"},
		{Node: "cp-3", What: "haproxy: dial tcp 127.0.0.1:8405: connect: connection refused", Remedy: "its log shows why"},
		{What: "etcd has 2 of 3 members: losing one more stops the cluster"},
	}
	return st
}

func TestStatus(t *testing.T) {
	for name, st := range map[string]*status.Status{
		"healthy": healthy(), "degraded": degraded(),
		"absent": {Cluster: "prod", Kubernetes: "1.36.3", Health: status.Absent, Nodes: degraded().Nodes[4:5]},
	} {
		t.Run(name, func(t *testing.T) {
			o, stdout, _ := output(Text)
			if err := o.Status(st); err != nil {
				t.Fatal(err)
			}
			golden(t, "status-"+name+".txt", stdout.String())
			o, stdout, _ = output(Text, "CLICOLOR_FORCE", "1")
			if err := o.Status(st); err != nil {
				t.Fatal(err)
			}
			golden(t, "status-"+name+".ansi", strings.ReplaceAll(stdout.String(), "\x1b", "␛"))
		})
	}
}

func TestStatusJSON(t *testing.T) {
	o, stdout, _ := output(JSON)
	if err := o.Status(degraded()); err != nil {
		t.Fatal(err)
	}
	golden(t, "status-degraded.json", stdout.String())
	var back status.Status
	if err := json.Unmarshal(stdout.Bytes(), &back); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(degraded(), &back); d != "" {
		t.Error(d)
	}
}
