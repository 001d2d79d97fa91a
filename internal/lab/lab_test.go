//go:build linux

package lab

import (
	"bytes"
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

func TestMachinesLive(t *testing.T) {
	l := upTest(t, "live", "10.79.0.0/28")
	for _, kind := range []string{"mount ", "link v-live-2", "/machines/a/netns", "path /sys/fs/cgroup/", "process "} {
		if !strings.Contains(strings.Join(traces(t, "live", l.Dir()), "\n"), kind) {
			t.Errorf("a lab that is up shows no %q: the check for leftovers would miss it", kind)
		}
	}
	t.Run("check", func(t *testing.T) {
		for _, m := range l.Machines() {
			if err := l.Check(t.Context(), m.Name); err != nil {
				t.Error(err)
			}
		}
	})
	t.Run("identity", func(t *testing.T) { testIdentity(t, l) })
	t.Run("users", func(t *testing.T) { testUsers(t, l) })
	t.Run("network", func(t *testing.T) { testNetwork(t, l) })
	t.Run("cable", func(t *testing.T) { testCable(t, l) })
	t.Run("power loss", func(t *testing.T) { testPowerLoss(t, l) })
	t.Run("reboot", func(t *testing.T) { testReboot(t, l) })
	t.Run("up again", func(t *testing.T) { testUpAgain(t, l) })
	t.Run("exec", func(t *testing.T) { testExec(t, l) })
}

func inMachine(t *testing.T, l *Lab, name, script string) string {
	t.Helper()
	out, err := l.Exec(t.Context(), name, "/bin/sh", "-c", script)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

func testIdentity(t *testing.T, l *Lab) {
	if got := inMachine(t, l, "b", "hostname"); got != "b" {
		t.Errorf("b calls itself %q", got)
	}
	a, b := inMachine(t, l, "a", "cat /etc/machine-id"), inMachine(t, l, "b", "cat /etc/machine-id")
	if a == b || len(a) != 32 {
		t.Errorf("machine ids %q and %q", a, b)
	}
	if got, want := inMachine(t, l, "a", "cat /etc/resolv.conf"), "nameserver 10.79.0.1"; got != want {
		t.Errorf("resolv.conf holds %q, want %q", got, want)
	}
	for _, file := range []string{l.PrivateKey(), l.SudoPassword()} {
		if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode %v, %v; want 0600", file, info.Mode(), err)
		}
	}
}

// login opens an SSH session with nothing but what the lab's folder offers.
func login(t *testing.T, l *Lab, user, address string) (*ssh.Client, error) {
	t.Helper()
	raw, err := os.ReadFile(l.PrivateKey())
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.ParsePrivateKey(raw)
	if err != nil {
		t.Fatal(err)
	}
	known, err := knownhosts.New(l.KnownHosts())
	if err != nil {
		t.Fatal(err)
	}
	return ssh.Dial("tcp", net.JoinHostPort(address, "22"), &ssh.ClientConfig{
		User: user, Auth: []ssh.AuthMethod{ssh.PublicKeys(signer)}, HostKeyCallback: known, Timeout: 5 * time.Second,
	})
}

func testUsers(t *testing.T, l *Lab) {
	password, err := os.ReadFile(l.SudoPassword())
	if err != nil {
		t.Fatal(err)
	}
	six, err := login(t, l, "root", l.Address6(l.Machines()[0].Address).String())
	if err != nil {
		t.Fatalf("over IPv6: %v", err)
	}
	six.Close()
	for _, c := range []struct {
		user, command, stdin string
		ok                   bool
	}{
		{"root", "test $(id -u) = 0", "", true},
		{"admin", "test $(sudo -n id -u) = 0", "", true},
		{"ops", "sudo -n true", "", false},
		{"ops", "test $(sudo -S id -u) = 0", string(password), true},
		{"ops", "sudo -S true", "not the password\n", false},
	} {
		client, err := login(t, l, c.user, l.Machines()[0].Address.String())
		if err != nil {
			t.Fatalf("%s: %v", c.user, err)
		}
		session, err := client.NewSession()
		if err != nil {
			t.Fatal(err)
		}
		session.Stdin = strings.NewReader(c.stdin)
		if err := session.Run(c.command); (err == nil) != c.ok {
			t.Errorf("%s: %s: %v, want success %v", c.user, c.command, err, c.ok)
		}
		client.Close()
	}
}

func testNetwork(t *testing.T, l *Lab) {
	if got := inMachine(t, l, "a", "ssh-keyscan -t ed25519 10.79.0.3 2>/dev/null"); !strings.HasPrefix(got, "10.79.0.3 ssh-ed25519 ") {
		t.Errorf("a does not reach b's sshd: %q", got)
	}
	if got := inMachine(t, l, "a", "ip route show default"); !strings.HasPrefix(got, "default via 10.79.0.1 dev eth0") {
		t.Errorf("a's default route: %q", got)
	}
	forwarding, err := os.ReadFile("/proc/sys/net/ipv4/conf/lab-live/forwarding")
	if err != nil || strings.TrimSpace(string(forwarding)) != "0" {
		t.Errorf("the bridge forwards to the outside: %q, %v", forwarding, err)
	}
}

func testCable(t *testing.T, l *Lab) {
	if err := l.Cut("a"); err != nil {
		t.Fatal(err)
	}
	if client, err := login(t, l, "root", l.Machines()[0].Address.String()); err == nil {
		client.Close()
		t.Error("a answers with its cable cut")
	}
	if got := inMachine(t, l, "a", "echo alive"); got != "alive" { // the console still works
		t.Errorf("a says %q", got)
	}
	all, err := l.List()
	if err != nil || !all[0].Cut || all[1].Cut {
		t.Errorf("list: %+v, %v; want only a cut", all, err)
	}
	if err := l.Mend("a"); err != nil {
		t.Fatal(err)
	}
	client, err := login(t, l, "root", l.Machines()[0].Address.String())
	if err != nil {
		t.Fatalf("a does not answer after mend: %v", err)
	}
	client.Close()
}

func testPowerLoss(t *testing.T, l *Lab) {
	const keep = "echo kept | tee /etc/kept /var/lib/etcd/kept >/dev/null; sync; "
	inMachine(t, l, "a", keep+"ip link add left type bridge; ip address add 10.79.0.9/28 dev eth0; setsid sleep 1000 >/dev/null 2>&1 &")
	key := inMachine(t, l, "a", "cat /etc/ssh/ssh_host_ed25519_key.pub /etc/ssh/ssh_host_ed25519_key /etc/machine-id 2>/dev/null | sha256sum")
	if err := l.Kill("a"); err != nil {
		t.Fatal(err)
	}
	if pids, err := l.instance(0).processes(); err != nil || len(pids) > 0 {
		t.Errorf("a is off, but runs %v, %v", pids, err)
	}
	if all, err := l.List(); err != nil || all[0].On || !all[1].On {
		t.Errorf("list: %+v, %v; want a off and b on", all, err)
	}
	if err := l.Kill("a"); err != nil {
		t.Errorf("second kill: %v", err)
	}
	if err := l.Start(t.Context(), testSink(t), "a"); err != nil {
		t.Fatal(err)
	}
	if got := inMachine(t, l, "a", "cat /etc/kept /var/lib/etcd/kept"); got != "kept\nkept" {
		t.Errorf("after power loss the disks hold %q", got)
	}
	if got := inMachine(t, l, "a", "cat /etc/ssh/ssh_host_ed25519_key.pub /etc/ssh/ssh_host_ed25519_key /etc/machine-id 2>/dev/null | sha256sum"); got != key {
		t.Error("power loss changed the machine's identity")
	}
	if got := inMachine(t, l, "a", "ip -brief link; ip -brief address"); strings.Contains(got, "left") || strings.Contains(got, "10.79.0.9") {
		t.Errorf("network state outlived power loss:\n%s", got)
	}
	if err := l.Check(t.Context(), "a"); err != nil {
		t.Error(err)
	}
}

func testReboot(t *testing.T, l *Lab) {
	former, err := l.instance(1).leader()
	if err != nil {
		t.Fatal(err)
	}
	inMachine(t, l, "b", "systemctl reboot")
	eventually(t, "b comes back from a reboot", func() bool {
		pid, err := l.instance(1).leader()
		return err == nil && pid != 0 && pid != former && l.instance(1).sshAnswers(t.Context()) == nil
	})
	if err := l.Start(t.Context(), testSink(t), "b"); err != nil { // waits for the boot's end
		t.Fatal(err)
	}
	if err := l.Check(t.Context(), "b"); err != nil {
		t.Error(err)
	}
}

func testUpAgain(t *testing.T, l *Lab) {
	if err := l.Kill("b"); err != nil {
		t.Fatal(err)
	}
	before, err := l.instance(0).leader()
	if err != nil {
		t.Fatal(err)
	}
	again := testConfig("live", l.Dir(), "10.79.0.0/28")
	if _, err := Up(t.Context(), again, testSink(t)); err != nil {
		t.Fatal(err)
	}
	all, err := l.List()
	if err != nil || all[0].PID != before || !all[1].On {
		t.Errorf("list: %+v, %v; want a left alone as %d and b started", all, err, before)
	}
	again.Nodes[1].Address = again.Nodes[1].Address.Next()
	if _, err := Up(t.Context(), again, testSink(t)); err == nil || !strings.Contains(err.Error(), "machine b exists with 10.79.0.3") {
		t.Errorf("up with another address for b: %v", err)
	}
	if _, err := Up(t.Context(), testConfig("other", filepath.Join(t.TempDir(), "lab"), "10.79.0.0/28"), testSink(t)); err == nil || !strings.Contains(err.Error(), "overlaps") {
		t.Errorf("a second lab on the same subnet: %v", err)
	}
	if _, err := Up(t.Context(), testConfig("live", filepath.Join(t.TempDir(), "lab"), "10.79.1.0/28"), testSink(t)); err == nil || !strings.Contains(err.Error(), "belongs to the lab in "+l.Dir()) {
		t.Errorf("a second lab of the same name: %v", err)
	}
}

func testExec(t *testing.T, l *Lab) {
	if _, err := l.Exec(t.Context(), "a", "sh", "-c", "echo why >&2; exit 7"); err == nil || !strings.Contains(err.Error(), "exit status 7: why") {
		t.Errorf("a failing command: %v", err)
	}
	if _, err := l.Exec(t.Context(), "c", "true"); err == nil || !strings.Contains(err.Error(), `no machine "c"`) {
		t.Errorf("a machine that is not there: %v", err)
	}
	if got := inMachine(t, l, "a", "pwd; cat /proc/self/cgroup"); !strings.HasPrefix(got, "/\n") || strings.Contains(got, "..") {
		t.Errorf("commands run outside of the machine's folder or cgroup:\n%s", got)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := l.Exec(ctx, "a", "sleep", "1234"); err == nil {
		t.Error("a cancelled command went on")
	}
	if got := inMachine(t, l, "a", "ps -e -o args="); strings.Contains(got, "sleep 1234") {
		t.Error("a cancelled command outlived its caller")
	}
}

func TestMachinesBehindNAT(t *testing.T) {
	l := upTest(t, "nat", "10.79.3.0/28")
	for i, m := range l.Machines() {
		got := inMachine(t, l, m.Name, "ip -4 -o address show scope global | awk '{print $2, $4}'; ip route show default")
		want := "eth0 10.0.2.15/24\neth1 " + m.Address.String() + "/28\ndefault via 10.0.2.2 dev eth0"
		if got != want {
			t.Errorf("machine %d has %q, want %q", i, got, want)
		}
	}
	if got := inMachine(t, l, "a", "ssh-keyscan -t ed25519 10.79.3.3 2>/dev/null"); !strings.HasPrefix(got, "10.79.3.3 ssh-ed25519 ") {
		t.Errorf("a does not reach b's sshd: %q", got)
	}
}

// An Up that is killed at any moment leaves what Remove can remove.
func TestRemoveAfterKilledUp(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("makes machines, which needs root")
	}
	for _, after := range []time.Duration{5, 20, 60, 120, 200, 300, 450, 700, 1200} {
		dir := filepath.Join(t.TempDir(), "lab")
		cmd := exec.Command(os.Args[0], "lab-up", "killed", dir, "10.79.2.0/28")
		var said bytes.Buffer
		cmd.Stderr = &said
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(after * time.Millisecond)
		_ = cmd.Process.Signal(syscall.SIGKILL)
		if err := cmd.Wait(); err != nil && said.Len() > 0 {
			t.Errorf("up failed by itself: %v: %s", err, said.String())
		}
		t.Logf("killed after %d ms, with %d traces", after, len(traces(t, "killed", dir)))
		if err := Remove(dir); err != nil {
			t.Errorf("killed after %d ms: %v", after, err)
		}
		if left := traces(t, "killed", dir); len(left) > 0 {
			t.Errorf("killed after %d ms: left behind %q", after, left)
		}
	}
}
