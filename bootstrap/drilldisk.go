package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/slipway/slipway/internal/check"
	"github.com/slipway/slipway/internal/drill"
	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/layout"
	"github.com/slipway/slipway/internal/node"
)

const (
	// mostBallast is how much a drill fills. What is larger is seldom etcd's alone, and takes long.
	mostBallast = 64 << 30
	// heavy is what each write weighs: etcd allocates ahead, and small ones would need minutes until it wants more.
	heavy = 32 << 10
	// untilFelt is how long a full disk may go unnoticed.
	untilFelt = 3 * time.Minute
)

// DrillDiskFull fills the file system that one follower's data is on, waits until its etcd has stopped for want of space, and for d.For
// more, and gives the space back. The member has to come back by itself.
func (r *Run) DrillDiskFull(ctx context.Context, d Drill) (*drill.Report, error) {
	return r.brokenBy(ctx, "disk-full", 3, d, course{weight: heavy, choose: chooseDisk, run: fillDisk})
}

// chooseDisk takes a follower: what becomes of the cluster when the leader goes is another drill.
func chooseDisk(ctx context.Context, d *drilling) error {
	leader, err := d.leading(ctx)
	if err != nil {
		return err
	}
	for _, m := range d.controlPlanes() {
		if m.node.Name != d.Node && (d.Node != "" || m == leader) {
			continue
		}
		err := guardDisk(ctx, m)
		if err == nil {
			d.victims = []*machine{m}
			return nil
		}
		if !isUnfit(err) || d.Node != "" {
			return err
		}
		d.Sink.Emit(event.Event{Kind: event.Warning, Node: m.node.Name, Message: "its disk is not filled: " + err.Error()})
	}
	return unfit("", "no control plane but etcd's leader has a file system of its own for "+layout.Etcd,
		"mount one there that is only etcd's, up to 64 GiB: what else is on a shared one would suffer, and the kubelet would evict pods")
}

// guardDisk refuses to fill what others need.
func guardDisk(ctx context.Context, m *machine) error {
	disk, err := m.agent.Disk(ctx)
	if err != nil {
		return err
	}
	refuse := func(what string, args ...any) error {
		return unfit(m.node.Name, fmt.Sprintf(what, args...), "mount a file system there that is only etcd's, up to 64 GiB")
	}
	switch {
	case !disk.Own:
		return refuse("%s is on a file system with other things, which would suffer, too", layout.Etcd)
	case disk.Free > mostBallast:
		return refuse("%s has %d GiB free, which is more than a drill fills", layout.Etcd, disk.Free>>30)
	}
	return nil
}

func isUnfit(err error) bool {
	var why *UnfitError
	return errors.As(err, &why)
}

func fillDisk(ctx context.Context, d *drilling) error {
	err := d.eachStage("fill", d.victims, func(m *machine, _ event.Sink) error {
		// The machine ends it by itself when nobody comes back: later than this does, in any case.
		return m.agent.Fill(ctx, node.Fill{For: untilFelt + d.For + 2*time.Minute})
	})
	if err != nil {
		return err
	}
	d.rec.Broke("the disk of etcd's data was filled", false, named(d.victims)...)
	err = d.feel(ctx)
	if err == nil {
		err = d.pass(ctx, "full", d.For)
	}
	return d.giveBack(ctx, "empty", err)
}

// feel waits until the victim's etcd has stopped.
func (d *drilling) feel(ctx context.Context) error {
	return d.eachStage("felt", d.victims, func(m *machine, sink event.Sink) error {
		ctx, cancel := context.WithTimeout(ctx, untilFelt)
		defer cancel()
		return check.Wait(ctx, sink, check.Condition{Name: "its etcd stops for want of space", Node: m.node.Name, Test: func(ctx context.Context) error {
			if d.voting(ctx, m) == nil {
				return errors.New("it has all that it needs: a higher --rate fills what it has allocated ahead sooner")
			}
			return nil
		}})
	})
}
