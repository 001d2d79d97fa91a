package preflight

import (
	"fmt"
	"maps"
	"slices"
	"strings"

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
	case "/var/lib/containerd":
		return runtimeRoom + unpacked*j.machine.Needs
	case "/var/lib/kubelet":
		return kubeletRoom
	case "/var/lib/etcd":
		if j.machine.Node.Role == spec.ControlPlane {
			return etcdRoom
		}
	}
	return 0
}
