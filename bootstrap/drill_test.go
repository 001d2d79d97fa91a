package bootstrap

import (
	"bufio"
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/slipway/slipway/internal/drill"
	"github.com/slipway/slipway/internal/host"
	"github.com/slipway/slipway/internal/host/hosttest"
)

// TestDrillTarget: a version that the cluster cannot be taken to is the flag's mistake, and told of as that.
func TestDrillTarget(t *testing.T) {
	began := time.Date(2026, 3, 14, 9, 0, 0, 0, time.UTC)
	for name, test := range map[string]struct {
		applied string
		last    rollout
		want    string
	}{
		"the next minor":        {"1.35.4", rollout{}, ""},
		"never applied":         {"", rollout{}, ""},
		"there already":         {"1.36.3", rollout{}, "runs 1.36.3 already"},
		"two minors at once":    {"1.34.4", rollout{}, "one minor version at a time"},
		"half way there":        {"1.35.4", rollout{From: "1.35.4", To: "1.36.3", Begun: began}, ""},
		"half way to another":   {"1.34.4", rollout{From: "1.34.4", To: "1.35.4", Begun: began}, "--to 1.35.4 finishes it"},
		"half way back":         {"1.36.3", rollout{From: "1.35.4", To: "1.36.3", Begun: began, Back: true}, "slipway rollback finishes it"},
		"after a finished one":  {"1.35.4", rollout{From: "1.34.4", To: "1.35.4", Begun: began, Finished: began.Add(time.Hour)}, ""},
		"back from it, and now": {"1.35.4", rollout{From: "1.35.4", To: "1.36.3", Begun: began, Back: true, Finished: began.Add(time.Hour)}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRun(t)
			if err := errors.Join(r.dir.Put(appliedFile, applied{Kubernetes: test.applied}), r.dir.Put(rolloutFile, test.last)); err != nil {
				t.Fatal(err)
			}
			err := r.guardTarget()
			var flag *FlagError
			switch {
			case test.want == "" && err != nil:
				t.Error(err)
			case test.want != "" && (!errors.As(err, &flag) || !strings.Contains(err.Error(), test.want)):
				t.Errorf("%v, want %q", err, test.want)
			}
		})
	}
}

// TestRoadIsMadeAnew: a connection that breaks fails those who use it, and is another soon.
func TestRoadIsMadeAnew(t *testing.T) {
	server := hosttest.Serve(t, hosttest.Setup{})
	made := 0
	r := &road{m: &machine{}, connect: func(ctx context.Context, m *machine) (err error) {
		made++
		m.host, err = host.Connect(ctx, server.Options(t, "cp-1"))
		return err
	}}
	t.Cleanup(r.close)
	ctx, sshd := t.Context(), net.JoinHostPort("127.0.0.1", strconv.Itoa(server.Port))
	dial := func() error {
		conn, err := r.Dial(ctx, "tcp", sshd)
		if err == nil {
			err = conn.Close()
		}
		return err
	}
	if err := errors.Join(dial(), r.Open(ctx), dial()); err != nil || made != 1 {
		t.Fatalf("%d connections: %v", made, err)
	}
	h, _ := r.ready()
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	var silent *host.UnreachableError
	if err := dial(); !errors.As(err, &silent) {
		t.Fatalf("over a closed connection: %v", err)
	}
	deadline := time.Now().Add(10 * time.Second)
	for dial() != nil {
		if time.Now().After(deadline) {
			t.Fatal("it was not made anew")
		}
		time.Sleep(50 * time.Millisecond)
	}
	if made != 2 || r.Open(ctx) != nil {
		t.Errorf("%d connections, %v", made, r.Open(ctx))
	}
	refused, _ := net.Listen("tcp", "127.0.0.1:0")
	address := refused.Addr().String()
	_ = refused.Close()
	if _, err := r.Dial(ctx, "tcp", address); err == nil || errors.As(err, &silent) || r.Open(ctx) != nil {
		t.Errorf("a port that refuses is no broken road: %v", err)
	}
}

// TestAddressScript asks the table of a machine that has 10.0.0.100.
func TestAddressScript(t *testing.T) {
	table := filepath.Join(t.TempDir(), "fib_trie")
	const trie = "Local:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 10.0.0.11\n        /32 host LOCAL\n     |-- 10.0.0.100\n        /32 host LOCAL\n"
	if err := os.WriteFile(table, []byte(trie), 0o600); err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]string{"10.0.0.100": "1", "10.0.0.11": "1", "10.0.0.10": "0", "10.0.0.1": "0", "10.0.1.100": "0"} {
		cmd := exec.CommandContext(t.Context(), "sh", "-c", addressScript, address, table)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		line, err := bufio.NewReader(out).ReadString('\n')
		if strings.TrimSpace(line) != want || err != nil {
			t.Errorf("%s: %q %v, want %s", address, line, err, want)
		}
		_ = out.Close() // nobody reads any more: it ends by itself
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		select {
		case <-ended:
		case <-time.After(5 * time.Second):
			t.Errorf("%s: it goes on although nobody reads", address)
			_ = cmd.Process.Kill()
		}
	}
}

// TestAddressHolders: what two machines say of themselves is one word about the address.
func TestAddressHolders(t *testing.T) {
	h := &holders{rec: drill.NewRecorder(), holds: map[string]bool{}}
	h.say("cp-2", false)
	h.say("cp-1", true)
	h.say("cp-1", true)
	h.say("cp-2", true)
	h.say("cp-1", false)
	h.say("cp-2", false)
	var got []string
	for _, c := range h.rec.Report(drill.Report{}).Changes {
		got = append(got, c.Is)
	}
	if s := strings.Join(got, "|"); s != "|cp-1|cp-1, cp-2|cp-2|" {
		t.Errorf("%q", s)
	}
}
