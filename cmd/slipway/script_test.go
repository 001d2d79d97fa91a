package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/slipway/slipway/internal/bundle/bundletest"
	"github.com/slipway/slipway/internal/host/hosttest"
)

// TestMain lets scripts run this very program as slipway.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"slipway": main})
}

// TestScripts runs testdata/script. Scripts find a real SSH server, whose keys they may know or not, and a
// small bundle. Nothing in them gets as far as to change this machine.
func TestScripts(t *testing.T) {
	server := hosttest.Serve(t, hosttest.Setup{})
	stranger, _ := hosttest.NewKey(t, t.TempDir(), "stranger", "ed25519")
	_, other := hosttest.NewKey(t, t.TempDir(), "other", "ed25519")
	bundle := filepath.Join(t.TempDir(), "test.bundle")
	bundletest.Write(t, bundle, "1.36.3", "one", "two")
	changed := filepath.Join(t.TempDir(), "known_hosts")
	line := knownhosts.Line([]string{knownhosts.Normalize("127.0.0.1:" + strconv.Itoa(server.Port))}, other)
	if err := os.WriteFile(changed, []byte(line+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	vars := map[string]string{
		"SSH_PORT": strconv.Itoa(server.Port), "SSH_KEY": server.Key, "STRANGERS_KEY": stranger, "BUNDLE": bundle,
		"KNOWN_HOSTS": hosttest.KnownHosts(t, server), "CHANGED_HOSTS": changed,
		"FINGERPRINT": ssh.FingerprintSHA256(server.HostKeys[0]), "OTHER_FINGERPRINT": ssh.FingerprintSHA256(other),
	}
	testscript.Run(t, testscript.Params{
		Dir:                "testdata/script",
		RequireUniqueNames: true,
		Setup: func(env *testscript.Env) error {
			for name, value := range vars {
				env.Setenv(name, value)
			}
			return nil
		},
		Condition: condition,
		Cmds:      map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "has": has},
	})
}

// condition knows what machine the scripts run on: [root], and [begun] where a cluster was begun or joined by hand.
func condition(name string) (bool, error) {
	switch name {
	case "root":
		return os.Geteuid() == 0, nil
	case "begun":
		_, err := os.Stat("/var/lib/slipway/cluster")
		return err == nil, nil
	}
	return false, errors.New("unknown condition " + name)
}

// exits runs a program and checks its exit code: exits 3 slipway plan.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARGUMENT...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		got = exit.ExitCode()
	case err != nil:
		ts.Fatalf("%v", err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// has checks that a file, or the last program's stdout or stderr, holds texts just as they are written, where
// stdout and stderr take patterns.
func has(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: has FILE TEXT...")
	}
	text := ts.ReadFile(args[0])
	for _, want := range args[1:] {
		if strings.Contains(text, want) == neg {
			ts.Fatalf("%s has %q: %t", args[0], want, neg)
		}
	}
}
