package preflight

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/slipway/slipway/internal/layout"
	"github.com/slipway/slipway/internal/spec"
)

const (
	// What a machine must have left beside the payload, below each path.
	systemRoom  = 512 * mib // logs, and what the system itself writes
	runtimeRoom = 256 * mib // what containers write into their own file systems
	kubeletRoom = 256 * mib // pods' volumes
	etcdRoom    = 512 * mib // five segments of the log, snapshots, and a young database
	// A machine that belongs to the cluster has the payload and its data already.
	ourRoom = 100 * mib
	// The payload lies below / as it was sent until it is unpacked, binaries beside it three times as large;
	// the container runtime keeps what it was given and unpacks that to four times its size. Of binaries and images
	// about half each, that is three times the whole in both places.
	unpacked = 3
)

// What etcd needs of its disk: 99 of 100 syncs within 10 ms. From 50 ms on leaders are lost to a slow disk, since members hear
// from each other every 100 ms. https://etcd.io/docs/v3.6/faq/#what-does-the-etcd-warning-failed-to-send-out-heartbeat-on-time-mean
const (
	slowSync    = 10 * time.Millisecond
	tooSlowSync = 50 * time.Millisecond
)

// slowDisk judges the disk of a machine that is to become a control plane. One that is taken over runs etcd on it already.
func (j *judge) slowDisk() {
	took := j.machine.Facts.SyncTime
	if j.ours || j.machine.Taken || j.machine.Node.Role != spec.ControlPlane || took <= slowSync {
		return
	}
	const remedy = "give etcd a faster disk, such as an SSD of its own at /var/lib/etcd"
	what := fmt.Sprintf("its disk is slow for etcd: 99 of 100 small writes to /var/lib/etcd are synced within %s, and that should be 10ms", took.Round(time.Millisecond))
	if took > tooSlowSync && !j.cluster.Etcd.AllowSlowDisk {
		j.fail(remedy+", try again when the machine has less to do, or write etcd { allow_slow_disk = true }", "%s", what)
		return
	}
	j.warn(remedy, "%s", what)
}

// disks asks each file system for what goes below all the paths that it holds, once.
func (j *judge) disks() {
	f := j.machine.Facts
	var shared [][]string // paths by file system
	at := map[uint64]int{}
	for _, path := range slices.Sorted(maps.Keys(f.DiskFree)) {
		device, known := f.FileSystem[path]
		if i, seen := at[device]; known && seen {
			shared[i] = append(shared[i], path)
			continue
		}
		at[device] = len(shared)
		shared = append(shared, []string{path})
	}
	for _, paths := range shared {
		var need int64
		for _, path := range paths {
			need += j.room(path)
		}
		if j.ours {
			need = ourRoom
		}
		free := f.DiskFree[paths[0]]
		if free >= need {
			continue
		}
		also := ""
		if len(paths) > 1 {
			also = ", where " + strings.Join(paths[1:], ", ") + " lie too"
		}
		j.fail(fmt.Sprintf("free some space below %s or grow its file system", paths[0]),
			"%d MiB free below %s, %d MiB are needed%s", free/mib, paths[0], need/mib, also)
	}
}

// room is how many bytes go below path on a bare machine.
func (j *judge) room(path string) int64 {
	switch path {
	case "/":
		return systemRoom + unpacked*j.machine.Needs
	case layout.Containerd:
		return runtimeRoom + unpacked*j.machine.Needs
	case layout.Kubelet:
		return kubeletRoom
	case layout.Etcd:
		if j.machine.Node.Role == spec.ControlPlane {
			return etcdRoom
		}
	}
	return 0
}
