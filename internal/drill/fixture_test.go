package drill

import (
	"slices"
	"time"

	"github.com/slipway/slipway/internal/event"
)

// clock is one that a test turns.
type clock struct{ now time.Time }

func (c *clock) read() time.Time { return c.now }

func (c *clock) to(seconds float64) {
	c.now = time.Date(2026, 3, 14, 9, 26, 53, 0, time.UTC).Add(time.Duration(seconds * float64(time.Second)))
}

// upgraded is an upgrade of two control planes and a worker in 40 s, in which the first control plane's turn cuts the API off for
// a moment, and the worker's the Service.
func upgraded() *Report {
	c := &clock{}
	c.to(0)
	rec := newRecorder(c.read)
	for _, n := range []string{"cp-1", "cp-2", "w-1"} {
		rec.Note(Version, n, "1.35.4")
		rec.Note(Cordon, n, "no")
		rec.Note(Ready, n, "yes")
	}
	rec.Note(Leader, "", "cp-1")
	rec.Note(Holder, "", "cp-1")
	tell := func(at float64, kind event.Kind, stage, node string) {
		c.to(at)
		rec.Emit(event.Event{Kind: kind, Stage: stage, Node: node})
	}
	tell(0, event.Started, "calm before", "")
	tell(4, event.Done, "calm before", "")
	tell(4, event.Started, "payload", "")
	for _, n := range []string{"cp-1", "cp-2", "w-1"} {
		tell(4, event.Started, "payload", n)
	}
	tell(7, event.Done, "payload", "cp-1")
	tell(8, event.Done, "payload", "cp-2")
	tell(8, event.Done, "payload", "w-1")
	tell(8, event.Done, "payload", "")
	tell(8, event.Started, "control-planes", "")
	tell(8, event.Started, "control-planes", "cp-1")
	c.to(9)
	rec.Note(Leader, "", "cp-2")
	rec.Note(Holder, "", "cp-2")
	tell(18, event.Done, "control-planes", "cp-1")
	rec.Note(Version, "cp-1", "1.36.3")
	tell(18, event.Done, "control-planes", "")
	tell(18, event.Started, "control-planes", "")
	tell(18, event.Started, "control-planes", "cp-2")
	c.to(19)
	rec.Note(Leader, "", "cp-1")
	tell(26, event.Done, "control-planes", "cp-2")
	rec.Note(Version, "cp-2", "1.36.3")
	tell(26, event.Done, "control-planes", "")
	tell(26, event.Started, "workers", "")
	tell(26, event.Started, "workers", "w-1")
	rec.Note(Cordon, "w-1", "yes")
	c.to(30)
	rec.Note(Ready, "w-1", "KubeletNotReady")
	c.to(33)
	rec.Note(Ready, "w-1", "yes")
	rec.Note(Version, "w-1", "1.36.3")
	tell(35, event.Failed, "workers", "w-1")
	rec.Note(Cordon, "w-1", "no")
	tell(35, event.Done, "workers", "")
	for n := range 160 {
		at := float64(n) / 4
		s := Sample{Kind: Write, At: at, Seconds: 0.02}
		if n%2 == 1 {
			s.Kind, s.Seconds = Read, 0.01
		}
		switch at {
		case 9.5:
			s.Error, s.Seconds, s.Retry = "dial tcp 10.0.0.100:6443: connect: connection refused", 0.001, &Retry{Seconds: 1.02}
		case 9.75:
			s.Error, s.Seconds, s.Retry = "EOF", 0.004, &Retry{Seconds: 1.03, Error: "EOF"}
		case 20:
			s.Seconds = 1.25
		}
		rec.Add(s)
	}
	for n := range 80 {
		for _, node := range []string{"cp-1", "cp-2", "w-1"} {
			s := Sample{Kind: Poll, Node: node, At: float64(n) / 2, Seconds: 0.003}
			if node == "w-1" && n == 58 {
				s.Error, s.Retry = "connection refused", &Retry{Seconds: 1.01}
			}
			if node == "w-1" && n == 60 {
				s.Error, s.Unmeasured, s.Retry = "the machine closed the connection", true, &Retry{Seconds: 1, Error: "broken"}
			}
			rec.Add(s)
		}
	}
	rec.Late(3 * time.Millisecond)
	c.to(40)
	return rec.Report(Report{
		Drill: "upgrade", Cluster: "ha", From: "1.35.4", To: "1.36.3", Endpoint: "10.0.0.100:6443", Via: "this machine", Rate: 4, PollRate: 2,
		Writes:  Writes{Acknowledged: 79, Unknown: 1, Lost: []string{"write-00003: number 7 was acknowledged, and it holds 6"}},
		Watch:   Watch{Seen: 79, Breaks: 2, Delay: 0.031},
		Objects: Objects{Compared: 31, ByDesign: 4},
		Nodes:   []Machine{{"cp-1", "control-plane"}, {"cp-2", "control-plane"}, {"w-1", "worker"}},
	})
}

// restored is a restore of three control planes in 40 s: the cluster is broken at 14 s and serves again at 26 s, and what was written in
// the last four seconds before is lost by design.
func restored() *Report {
	c := &clock{}
	c.to(0)
	rec := newRecorder(c.read)
	nodes := []string{"cp-1", "cp-2", "cp-3"}
	for _, n := range slices.Concat(nodes, []string{"w-1"}) {
		rec.Note(Version, n, "1.36.3")
		rec.Note(Ready, n, "yes")
	}
	rec.Note(Leader, "", "cp-2")
	rec.Note(Holder, "", "cp-1")
	stage := func(name string, from, to float64) {
		c.to(from)
		rec.Emit(event.Event{Kind: event.Started, Stage: name})
		c.to(to)
		rec.Emit(event.Event{Kind: event.Done, Stage: name})
	}
	stage("calm before", 0, 5)
	stage("snapshot", 5, 6)
	stage("write on", 10, 14)
	c.to(14)
	rec.Broke("etcd went back to a snapshot", false, nodes...)
	stage("stop", 14, 16)
	rec.Note(Leader, "", "")
	stage("data", 16, 20)
	stage("control-plane", 20, 26)
	rec.Note(Leader, "", "cp-3")
	stage("ready", 26, 34)
	rec.Whole()
	stage("calm after", 34, 39)
	for n := range 160 {
		at := float64(n) / 4
		s := Sample{Kind: Write, At: at, Seconds: 0.02}
		if n%2 == 1 {
			s.Kind, s.Seconds = Read, 0.01
		}
		if at >= 14.5 && at < 26 {
			s.Error, s.Seconds, s.Retry = "EOF", 0.005, &Retry{Seconds: 1.02, Error: "EOF"}
		}
		rec.Add(s)
	}
	for n := range 80 {
		for _, node := range slices.Concat(nodes, []string{"w-1"}) {
			rec.Add(Sample{Kind: Poll, Node: node, At: float64(n) / 2, Seconds: 0.003})
		}
	}
	c.to(40)
	return rec.Report(Report{
		Drill: "etcd-restore", Cluster: "ha", Endpoint: "10.0.0.100:6443", Via: "this machine", Rate: 4, PollRate: 2,
		Writes:  Writes{Acknowledged: 57, Unknown: 23},
		Loss:    &Loss{Writes: 9, First: 9.75, Before: 5120, After: 1000005301},
		Watch:   Watch{Seen: 48, Breaks: 1, Relists: 1, Delay: 0.02},
		Objects: Objects{Compared: 31},
		Nodes:   []Machine{{"cp-1", "control-plane"}, {"cp-2", "control-plane"}, {"cp-3", "control-plane"}, {"w-1", "worker"}},
	})
}
