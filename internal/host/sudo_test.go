package host_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/slipway/slipway/internal/host"
	"github.com/slipway/slipway/internal/host/hosttest"
)

const password = `pass'wo"rd $x \1`

// newUser adds a user to this machine for the test, with rule as its sudo rule ("" for none).
func newUser(t *testing.T, rule string) (name string, uid int) {
	t.Helper()
	if _, err := exec.LookPath("sudo"); err != nil {
		t.Fatalf("%v: this test becomes root by sudo: apt-get install sudo", err)
	}
	name = fmt.Sprintf("slipway-test-%d", time.Now().UnixNano()%1e9)
	home := hosttest.PublicDir(t)
	for try := 0; ; try++ {
		out, err := exec.Command("useradd", "-M", "-d", home, "-s", "/bin/sh", name).CombinedOutput()
		if err == nil {
			break
		}
		if try == 20 || !strings.Contains(string(out), "lock") {
			t.Fatalf("useradd %s: %v: %s", name, err, out)
		}
		time.Sleep(100 * time.Millisecond) // another test has /etc/passwd locked
	}
	rules := "/etc/sudoers.d/" + name
	t.Cleanup(func() {
		for _, path := range []string{rules, "/var/lib/sudo/lectured/" + name, "/run/sudo/ts/" + name} {
			if err := os.RemoveAll(path); err != nil {
				t.Error(err)
			}
		}
		if out, err := exec.Command("userdel", "-f", name).CombinedOutput(); err != nil {
			t.Errorf("userdel %s: %v: %s", name, err, out)
		}
	})
	set := exec.Command("chpasswd")
	set.Stdin = strings.NewReader(name + ":" + password + "\n")
	if out, err := set.CombinedOutput(); err != nil {
		t.Fatalf("chpasswd: %v: %s", err, out)
	}
	if rule != "" {
		writeFile(t, rules, name+" "+rule+"\n")
	}
	info := exec.Command("id", "-u", name)
	out, err := info.Output()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Sscan(string(out), &uid); err != nil {
		t.Fatal(err)
	}
	return name, uid
}

const (
	free   = "ALL=(ALL) NOPASSWD: ALL"
	asking = "ALL=(ALL) ALL"
)

func userOptions(t *testing.T, rule string) host.Options {
	t.Helper()
	name, _ := newUser(t, rule)
	return hosttest.Serve(t, hosttest.Setup{User: name}).Options(t, "cp-1")
}

func TestSudo(t *testing.T) {
	o := userOptions(t, free)
	hosttest.Run(t, func(t *testing.T) host.Host { return connect(t, o) })
}

func TestSudoWithPassword(t *testing.T) {
	o := userOptions(t, asking)
	o.SudoPassword = []byte(password + "\n")
	hosttest.Run(t, func(t *testing.T) host.Host { return connect(t, o) })
}

// A password that sudo does not ask for must not become the command's input.
func TestSudoPasswordUnasked(t *testing.T) {
	o := userOptions(t, free)
	o.SudoPassword = []byte(password)
	h := connect(t, o)
	var out bytes.Buffer
	err := h.Run(t.Context(), host.Command{Args: []string{"cat"}, Root: true, Stdin: strings.NewReader("data\n"), Stdout: &out})
	if err != nil || out.String() != "data\n" {
		t.Errorf("cat read %q, error %v", &out, err)
	}
}

// While a command runs, no process's arguments or environment hold the password.
func TestSudoPasswordHidden(t *testing.T) {
	o := userOptions(t, asking)
	o.SudoPassword = []byte(password)
	h := connect(t, o)
	var out bytes.Buffer
	err := h.Run(t.Context(), host.Command{
		Args: []string{"sh", "-c", `for f in /proc/[0-9]*/cmdline /proc/[0-9]*/environ; do echo "$f"; cat "$f"; done 2>/dev/null; exit 0`},
		Root: true, Stdout: &out,
	})
	if err != nil || !strings.Contains(out.String(), "sudo\x00-k\x00-S") {
		t.Fatalf("the running sudo was not seen; error %v", err)
	}
	if strings.Contains(out.String(), password) || strings.Contains(out.String(), "pass'wo") {
		t.Error("the password can be read in /proc")
	}
}

func TestSudoRefused(t *testing.T) {
	for _, c := range []struct{ name, rule, password, want string }{
		{"password wanted", asking, "", "password file"},
		{"wrong password", asking, "a wrong one", "refuses the password"},
		{"no rule", "", password, "sudoers"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := userOptions(t, c.rule)
			o.SudoPassword = []byte(c.password)
			h := connect(t, o)
			for range 2 { // the second time without asking sudo again
				err := h.Run(t.Context(), host.Command{Args: []string{"id"}, Root: true, Stdin: strings.NewReader("data")})
				var bad *host.SudoError
				if !errors.As(err, &bad) {
					t.Fatalf("error %v, expected a *SudoError", err)
				}
				if msg := err.Error(); !strings.Contains(msg, c.want) || !strings.Contains(msg, "cp-1 (") || !strings.Contains(msg, o.User) {
					t.Errorf("error %q, expected the machine, the user and %q", msg, c.want)
				}
				if strings.Contains(err.Error(), c.password) && c.password != "" {
					t.Errorf("error %q tells the password", err)
				}
			}
			if err := h.Run(t.Context(), host.Command{Args: []string{"id"}}); err != nil {
				t.Errorf("a command that needs no root: %v", err)
			}
		})
	}
}

// The suite of TestLocal, run by a user who is not root.
func TestLocalSudo(t *testing.T) {
	_, uid := newUser(t, free)
	dir := hosttest.PublicDir(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(dir, "host.test")
	shell(t, fmt.Sprintf("cp %s %s && chmod 755 %s", self, binary, binary))
	cmd := exec.CommandContext(t.Context(), binary, "-test.run=^TestLocal$", "-test.v")
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)}}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: TestLocal/RootCancel") {
		t.Errorf("%v\n%s", err, out)
	}
}
