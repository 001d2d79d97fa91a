//go:build torture

package test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/slipway/slipway/bootstrap"
)

// planes is a cluster of so many control planes with a shared address that back themselves up, and one worker.
func planes(numbers ...int) string {
	const backups = `backup {
  schedule   = "*-*-* 05:00:00"
  retain     = 2
  recipients = ["age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"]
}
`
	body := "load_balancer \"vip\" {}\n" + backups + nodeBlock("w-1", "worker", "21")
	for _, n := range numbers {
		body += nodeBlock(fmt.Sprintf("cp-%d", n), "control-plane", fmt.Sprintf("1%d", n))
	}
	return body
}

func planeNames(numbers ...int) (out []string) {
	for _, n := range numbers {
		out = append(out, fmt.Sprintf("cp-%d", n))
	}
	return out
}

// becomes applies a file of those control planes, and wants the members of etcd to be just them, nothing left to do, and one holder
// of the address.
func (c *cluster) becomes(numbers ...int) {
	c.t.Helper()
	file := c.write(planes(numbers...))
	c.must("apply", "-f", file)
	c.isOf(file, numbers...)
}

func (c *cluster) isOf(file string, numbers ...int) {
	c.t.Helper()
	c.becomesReady(append(planeNames(numbers...), "w-1")...)
	c.becomesHealthy(file)
	c.want(0, "plan", "-f", file)
	if got, want := c.membersAt(planeNames(numbers...)[0]), strings.Join(planeNames(numbers...), " "); got != want {
		c.t.Errorf("members are %q, want %q", got, want)
	}
	if holders := c.holders(planeNames(numbers...)...); len(holders) != 1 {
		c.t.Errorf("the address is held by %q", holders)
	}
}

const etcdctl = "etcdctl --endpoints https://127.0.0.1:2379 --cacert /etc/kubernetes/pki/etcd/ca.crt --cert /etc/kubernetes/pki/etcd/healthcheck-client.crt --key /etc/kubernetes/pki/etcd/healthcheck-client.key "

// membersAt are the names of etcd's members as one of them knows them, sorted; learners are marked.
func (c *cluster) membersAt(machine string) string {
	c.t.Helper()
	out := c.exec(machine, "sh", "-c", etcdctl+`member list | sed 's/, /,/g' | awk -F, '{print ($3 == "" ? "unstarted" : $3) ($6 == "true" ? "(learner)" : "")}' | sort | tr '\n' ' '`)
	return strings.TrimSpace(out)
}

// TestMembership grows a loaded cluster from one control plane without a balancer to three behind an address and to five, and takes
// it back to three; replaces one that has no power by a new machine; cuts one off that joins; and kills an apply that grows it.
func TestMembership(t *testing.T) {
	machines := []string{"cp-1=11", "w-1=21"}
	c := newCluster(t, "mem", "10.62.0", machines...)
	file := c.writeSingle(nodeBlock("cp-1", "control-plane", "11") + nodeBlock("w-1", "worker", "21"))
	c.must("apply", "-f", file)
	c.becomesReady("cp-1", "w-1")
	before := c.loaded()
	part := func(name string, do func(t *testing.T)) {
		t.Helper()
		if !t.Run(name, func(t *testing.T) { c.t = t; do(t) }) {
			t.FailNow()
		}
		c.t = t
	}
	part("one grows to three behind an address", func(t *testing.T) {
		c.labUp(append(machines, "cp-2=12", "cp-3=13")...)
		c.write(planes(1, 2, 3))
		out := c.want(2, "plan", "-f", file)
		for _, want := range []string{"cp-2", "enters as a learner", "any 1 may fail"} {
			if !strings.Contains(out, want) {
				t.Errorf("plan does not speak of %q:\n%s", want, out)
			}
		}
		c.becomes(1, 2, 3)
		if server := c.exec("w-1", "grep", "server:", "/etc/kubernetes/kubelet.conf"); !strings.Contains(server, "10.62.0.100:6443") {
			t.Errorf("the worker does not use the endpoint: %s", server)
		}
		c.exec("cp-3", "systemctl", "start", "slipway-backup.service") // which waits for its end
		var list bootstrap.ArchiveList
		decode(t, c.must("etcd", "backups", "-f", file, "-o", "json"), &list)
		if len(list.Archives) != 1 || list.Archives[0].Node != "cp-3" || !list.Archives[0].Whole {
			t.Errorf("what a control plane that joined has backed up: %+v", list)
		}
		c.unlost(before)
	})
	part("three grow to five", func(t *testing.T) {
		c.labUp(append(machines, "cp-4=14", "cp-5=15")...)
		gap := c.whileAskedFor(func() { c.becomes(1, 2, 3, 4, 5) })
		t.Logf("the longest time without an answer was %.1f s", gap.Seconds())
		c.unlost(before)
	})
	part("five shrink to three", func(t *testing.T) {
		c.write(planes(1, 4, 5))
		if out := c.want(2, "plan", "-f", file); !strings.Contains(out, "survives the loss of 2 of its voters now, and of 1 afterwards") {
			t.Errorf("plan does not warn:\n%s", out)
		}
		gap := c.whileAskedFor(func() { c.becomes(1, 4, 5) })
		t.Logf("the longest time without an answer was %.1f s", gap.Seconds())
		for _, m := range []string{"cp-2", "cp-3"} {
			if out := c.exec(m, "sh", "-c", "ls /etc/kubernetes 2>/dev/null; pgrep -x etcd || true"); out != "" {
				t.Errorf("%s is not clean:\n%s", m, out)
			}
		}
		c.unlost(before)
	})
	part("one without power is replaced by a new machine", func(t *testing.T) {
		c.lab("kill", "cp-5")
		c.becomes(1, 2, 4)
		c.unlost(before)
	})
	part("one that is cut off while it joins stays a learner", func(t *testing.T) {
		c.write(planes(1, 2, 3, 4, 6))
		c.labUp(append(machines, "cp-3=13", "cp-6=16")...)
		go func() { // as soon as it is a learner
			for range 600 {
				if r := c.run("lab", "exec", "--name", c.name, "--dir", c.labDir(), "cp-1", "--", "sh", "-c", etcdctl+"member list"); strings.Contains(r.stdout, "10.62.0.13:2380") {
					c.run("lab", "cut", "--name", c.name, "--dir", c.labDir(), "cp-3")
					return
				}
				time.Sleep(200 * time.Millisecond)
			}
		}()
		r := c.run("apply", "-f", file, "--timeout", "40s")
		if r.code == 0 {
			t.Fatalf("apply did not notice:\n%s", r.stderr)
		}
		if got := c.membersAt("cp-1"); strings.Contains(got, "cp-6") || !strings.Contains(got, "(learner)") {
			t.Errorf("members are %q", got)
		}
		if err := allReady(c.client(), "cp-1", "cp-2", "cp-4", "w-1"); err != nil {
			t.Errorf("the others: %v", err)
		}
		c.unlost(before)
		c.lab("mend", "cp-3")
		c.becomes(1, 2, 3, 4, 6)
	})
	part("an apply that shrinks and grows is killed", func(t *testing.T) {
		c.becomes(1, 2, 4)
		c.write(planes(1, 2, 3, 4, 6))
		for range 3 {
			doing := c.killed(3*time.Second+rand.N(40*time.Second), "apply", "-f", file)
			t.Logf("killed in: %s", doing)
			if doing == finished {
				break
			}
		}
		c.becomes(1, 2, 3, 4, 6)
		c.unlost(before)
	})
}
