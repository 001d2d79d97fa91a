package etcd

import (
	"strings"
	"testing"
	"time"
)

const someMetrics = `# HELP etcd_disk_backend_commit_duration_seconds The latency distributions of commit called by backend.
# TYPE etcd_disk_backend_commit_duration_seconds histogram
etcd_disk_backend_commit_duration_seconds_bucket{le="0.001"} 0
etcd_disk_backend_commit_duration_seconds_bucket{le="0.002"} 100
etcd_disk_backend_commit_duration_seconds_bucket{le="+Inf"} 100
etcd_disk_backend_commit_duration_seconds_sum 0.15
etcd_disk_backend_commit_duration_seconds_count 100
# TYPE etcd_disk_wal_fsync_duration_seconds histogram
etcd_disk_wal_fsync_duration_seconds_bucket{le="0.001"} 900
etcd_disk_wal_fsync_duration_seconds_bucket{le="0.002"} 980
etcd_disk_wal_fsync_duration_seconds_bucket{le="0.004"} 1000
etcd_disk_wal_fsync_duration_seconds_bucket{le="8.192"} 1000
etcd_disk_wal_fsync_duration_seconds_bucket{le="+Inf"} 1000
etcd_disk_wal_fsync_duration_seconds_sum 0.7
etcd_disk_wal_fsync_duration_seconds_count 1000
`

func TestReadLatency(t *testing.T) {
	l, err := readLatency(strings.NewReader(someMetrics))
	if err != nil {
		t.Fatal(err)
	}
	// Of 1000, the 990th is in the middle of those 20 between 2 and 4 ms; of 100, the 99th is at 99 % of those between 1 and 2.
	if l.Fsync.Round(time.Microsecond) != 3*time.Millisecond || l.Commit.Round(time.Microsecond) != 1990*time.Microsecond {
		t.Errorf("%v", l)
	}
	beyond := strings.NewReplacer(`"0.004"} 1000`, `"0.004"} 985`, `"8.192"} 1000`, `"8.192"} 985`).Replace(someMetrics)
	if l, err = readLatency(strings.NewReader(beyond)); err != nil || l.Fsync != 8192*time.Millisecond {
		t.Errorf("beyond the last bound: %v, %v", l, err)
	}
	for name, text := range map[string]string{"nothing": "", "another": "# TYPE x counter\nx 1\n", "garbage": "<html>"} {
		if _, err := readLatency(strings.NewReader(text)); err == nil {
			t.Errorf("%s was read", name)
		}
	}
}
