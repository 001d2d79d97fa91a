//go:build linux

package lab

import (
	"os"
	"strings"
	"testing"
)

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
