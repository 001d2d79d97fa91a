//go:build torture

package test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/slipway/slipway/internal/status"
)

// etcdQuota is small, so that etcd is soon full.
const etcdQuota = 64 << 20

// TestEtcdVerbs goes through the verbs on three control planes: they look, keep, give back, recover from a full database, and
// take out one that is dead; then a second dies, and what is left says so.
func TestEtcdVerbs(t *testing.T) {
	c := newCluster(t, "ev", "10.61.0", "cp-1=11", "cp-2=12", "cp-3=13")
	file := c.write(fmt.Sprintf("load_balancer \"vip\" {}\ncomponent \"etcd\" {\n  flags = { \"quota-backend-bytes\" = \"%d\" }\n}\n", etcdQuota) +
		nodeBlock("cp-1", "control-plane", "11") + nodeBlock("cp-2", "control-plane", "12") + nodeBlock("cp-3", "control-plane", "13"))
	c.must("apply", "-f", file)

	s := c.etcdStatus(0, file)
	if s.Health != status.Healthy || s.Voting != 3 || s.Compared == nil || !s.Compared.Agree || s.Compared.Members != 3 {
		t.Fatalf("%+v", s)
	}
	for _, m := range s.Members {
		if m.Fsync == nil || *m.Fsync <= 0 || m.Quota != etcdQuota || m.Version == "" || m.Node == "" {
			t.Errorf("%+v", m)
		}
	}
	c.etcdKept(file)
	c.etcdFragments()
	var done []status.Defragmented
	c.decode(&done, "etcd", "defrag", "-f", file, "--threshold", "0.3", "--least-mib", "5", "-o", "json")
	if len(done) != 3 {
		t.Fatalf("%+v", done)
	}
	for _, d := range done {
		if d.Skipped != "" || d.Freed < 5<<20 {
			t.Errorf("%+v", d)
		}
	}
	c.etcdRunsFull(file)
	c.etcdDies(file)
}

// etcdKept takes a snapshot, and wants it verified, for its owner alone, and never replaced.
func (c *cluster) etcdKept(file string) {
	c.t.Helper()
	path := filepath.Join(c.dir, "kept.db")
	var taken status.Snapshot
	c.decode(&taken, "etcd", "snapshot", "-f", file, path, "-o", "json")
	is, err := os.Stat(path)
	if err != nil || is.Mode().Perm() != 0o600 || is.Size() != taken.Bytes || !taken.Compared {
		c.t.Errorf("%+v, %v, %v", taken, is, err)
	}
	for _, m := range c.etcdStatus(0, file).Members {
		if m.Leader && m.Name == taken.Member {
			c.t.Errorf("it was taken from the leader, %s, beside two followers", m.Name)
		}
	}
	c.want(3, "etcd", "snapshot", "-f", file, path)
	c.must("etcd", "snapshot", "-f", file)
}

// etcdFragments writes and compacts, so that databases are mostly free.
func (c *cluster) etcdFragments() {
	c.t.Helper()
	c.etcdctl(`for i in $(seq 30); do head -c 700000 /dev/urandom | base64 -w0 | etcdctl put /slipway-test/x >/dev/null; done
rev=$(etcdctl get /slipway-test/x -w fields | sed -n 's/^"Revision" : //p'); etcdctl compact "$rev" --physical`)
}

// etcdctl runs a shell on cp-1 with a way to its member.
func (c *cluster) etcdctl(script string) string {
	c.t.Helper()
	return c.exec("cp-1", "env", "ETCDCTL_ENDPOINTS=https://127.0.0.1:2379", "ETCDCTL_CACERT=/etc/kubernetes/pki/etcd/ca.crt",
		"ETCDCTL_CERT=/etc/kubernetes/pki/etcd/healthcheck-client.crt", "ETCDCTL_KEY=/etc/kubernetes/pki/etcd/healthcheck-client.key", "sh", "-c", script)
}

// etcdRunsFull fills etcd until it raises an alarm, and recovers it.
func (c *cluster) etcdRunsFull(file string) {
	c.t.Helper()
	c.etcdctl(`for i in $(seq 100); do head -c 1000000 /dev/urandom | base64 -w0 | etcdctl put /slipway-test/x >/dev/null 2>&1 || exit 0; done; exit 1`)
	if out := c.want(1, "etcd", "alarm", "list", "-f", file); !strings.Contains(out, "NOSPACE") {
		c.t.Errorf("alarms of a full etcd:\n%s", out)
	}
	if s := c.etcdStatus(1, file); !strings.Contains(fmt.Sprint(s.Problems), "slipway etcd alarm recover") {
		c.t.Errorf("%+v", s.Problems)
	}
	c.must("etcd", "alarm", "recover", "-f", file)
	c.must("etcd", "alarm", "list", "-f", file)
	if s := c.etcdStatus(0, file); s.Health != status.Healthy || !s.Compared.Agree {
		c.t.Errorf("%+v", s)
	}
}

// etcdDies takes one machine after the other away.
func (c *cluster) etcdDies(file string) {
	c.t.Helper()
	c.want(1, "etcd", "remove", "cp-3", "-f", file, "--yes") // it is healthy
	c.lab("kill", "cp-3")
	eventually(c.t, time.Minute, "cp-3 to be missed", func() error {
		if r := c.run("etcd", "members", "-f", file); r.code != 1 {
			return fmt.Errorf("exit %d\n%s%s", r.code, r.stdout, r.stderr)
		}
		return nil
	})
	c.want(1, "etcd", "remove", "cp-2", "-f", file, "--yes", "--force") // it would leave one of two
	c.want(1, "etcd", "defrag", "-f", file, "--all")
	var gone status.Membership
	c.decode(&gone, "etcd", "remove", "cp-3", "-f", file, "--yes", "-o", "json")
	if gone.Before.Voters != 3 || gone.Before.Voting != 2 || gone.After.Voters != 2 || gone.After.Voting != 2 || len(gone.Notes) == 0 {
		c.t.Errorf("%+v", gone)
	}
	c.lab("kill", "cp-2")
	eventually(c.t, time.Minute, "the quorum to be missed", func() error {
		if r := c.run("etcd", "status", "-f", file); r.code != 5 {
			return fmt.Errorf("exit %d\n%s%s", r.code, r.stdout, r.stderr)
		}
		return nil
	})
	if s := c.etcdStatus(5, file); s.Voters != 2 || s.KnownFrom != "cp-1" || !strings.Contains(fmt.Sprint(s.Problems), "bring back cp-2: ") {
		c.t.Errorf("%+v", s)
	}
	c.want(5, "etcd", "remove", "cp-2", "-f", file, "--yes")
	c.want(5, "etcd", "alarm", "list", "-f", file)
	var last status.Snapshot
	c.decode(&last, "etcd", "snapshot", "-f", file, filepath.Join(c.dir, "last.db"), "-o", "json")
	if last.Quorum || last.Member != "cp-1" {
		c.t.Errorf("%+v", last)
	}
}

// etcdStatus is what etcd status tells, with that exit code.
func (c *cluster) etcdStatus(code int, file string) (s status.Etcd) {
	c.t.Helper()
	r := c.run("etcd", "status", "-f", file, "-o", "json")
	if r.code != code {
		c.t.Fatalf("etcd status: exit %d, want %d\n%s%s", r.code, code, r.stdout, r.stderr)
	}
	if err := json.Unmarshal([]byte(r.stdout), &s); err != nil {
		c.t.Fatalf("%v\n%s", err, r.stdout)
	}
	return s
}

// decode reads the one document that a verb answers with.
func (c *cluster) decode(into any, args ...string) {
	c.t.Helper()
	if out := c.must(args...); json.Unmarshal([]byte(out), into) != nil {
		c.t.Fatalf("slipway %s: no such document:\n%s", strings.Join(args, " "), out)
	}
}
