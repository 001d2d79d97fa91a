package host_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/slipway/slipway/internal/host"
	"github.com/slipway/slipway/internal/host/hosttest"
)

// chain is a machine behind two bastions, each with keys of its own.
func chain(t *testing.T) (servers [3]*hosttest.Server, o host.Options) {
	t.Helper()
	for i := range servers {
		servers[i] = hosttest.Serve(t, hosttest.Setup{Listen: fmt.Sprintf("127.0.0.%d", i+2)})
	}
	o = servers[2].Options(t, "cp-1")
	o.Bastions = []host.Hop{servers[0].Hop(), servers[1].Hop()}
	o.KnownHosts = hosttest.KnownHosts(t, servers[:]...)
	return servers, o
}

func TestBastions(t *testing.T) {
	servers, o := chain(t)
	t.Run("Conformance", func(t *testing.T) {
		hosttest.Run(t, func(t *testing.T) host.Host { return connect(t, o) })
	})
	for i, s := range servers {
		if !strings.Contains(s.Log(), "Accepted publickey") {
			t.Errorf("hop %d was left out:\n%s", i, s.Log())
		}
	}
	if log := servers[0].Log(); strings.Contains(log, "127.0.0.1 port") && strings.Contains(log, "127.0.0.3 port") {
		t.Errorf("the first bastion saw others than the operator:\n%s", log)
	}
}

func TestBastionHostKey(t *testing.T) {
	servers, o := chain(t)
	o.KnownHosts = hosttest.KnownHosts(t, servers[0], servers[2])
	_, err := host.Connect(t.Context(), o)
	var bad *host.HostKeyError
	if !errors.As(err, &bad) || !strings.Contains(err.Error(), fmt.Sprintf("cp-1 (127.0.0.4:%d): bastion 127.0.0.3:%d", servers[2].Port, servers[1].Port)) {
		t.Errorf("error %v, expected a *HostKeyError about the second bastion", err)
	}
	if strings.Contains(servers[1].Log(), "publickey") || servers[2].Log() != "" && strings.Contains(servers[2].Log(), "Connection from") {
		t.Errorf("went on after an unknown key:\n%s%s", servers[1].Log(), servers[2].Log())
	}
}

func TestHostKeyBehindBastions(t *testing.T) {
	servers, o := chain(t)
	o.KnownHosts = hosttest.KnownHosts(t, servers[0], servers[1])
	_, err := host.Connect(t.Context(), o)
	want := fmt.Sprintf("ssh -J root@127.0.0.2:%d -p %d root@127.0.0.3 ssh-keyscan -p %d 127.0.0.4 >> %s",
		servers[0].Port, servers[1].Port, servers[2].Port, o.KnownHosts)
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, expected the remedy %s", err, want)
	}
}

func TestBastionForbidsForwarding(t *testing.T) {
	bastion := hosttest.Serve(t, hosttest.Setup{Config: "AllowTcpForwarding no"})
	target := hosttest.Serve(t, hosttest.Setup{})
	o := target.Options(t, "cp-1")
	o.Bastions = []host.Hop{bastion.Hop()}
	o.KnownHosts = hosttest.KnownHosts(t, bastion, target)
	_, err := host.Connect(t.Context(), o)
	unreachable(t, err, host.PhaseConnect, "prohibited")
}

// A bastion that dies is named, not the machine behind it.
func TestDeadBastion(t *testing.T) {
	servers, o := chain(t)
	o.KeepAlive = 200 * time.Millisecond
	h := connect(t, o)
	pending := make(chan error, 1)
	go func() { pending <- h.Run(t.Context(), host.Command{Args: []string{"cat"}, Stdin: silent(t)}) }()
	var pid bytes.Buffer
	// The bastion's process that serves h is the one which is not ours.
	self := connect(t, servers[0].Options(t, "bastion"))
	script := fmt.Sprintf(`for p in $(pgrep -P $(pgrep -f "[s]shd -D -e -f %s")); do [ $p != $PPID ] && kill -STOP $p && echo $p; done; exit 0`, servers[0].Dir)
	if err := self.Run(t.Context(), host.Command{Args: []string{"sh", "-c", script}, Stdout: &pid}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shell(t, "kill -KILL "+strings.TrimSpace(pid.String())) })
	unreachable(t, outcome(t, pending), host.PhaseLost, fmt.Sprintf("bastion 127.0.0.2:%d", servers[0].Port), "no sign of life")
}
