package statedir

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
)

// TestMain turns the test's binary into a second process of slipway when the environment says so.
func TestMain(m *testing.M) {
	act, dir := os.Getenv("STATEDIR_TEST_ACT"), os.Getenv("STATEDIR_TEST_DIR")
	if act == "" {
		os.Exit(m.Run())
	}
	if err := map[string]func(string) error{"hold": hold, "save": saveForever}[act](dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// hold opens dir and keeps it until its standard input ends.
func hold(dir string) error {
	d, err := Open(dir)
	if err != nil {
		return err
	}
	fmt.Println("open")
	_, err = bufio.NewReader(os.Stdin).ReadString('\n')
	if !errors.Is(err, io.EOF) {
		return err
	}
	return d.Close()
}

// second starts another process doing act on dir and waits until it has the directory open.
func second(t *testing.T, act, dir string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "STATEDIR_TEST_ACT="+act, "STATEDIR_TEST_DIR="+dir)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	})
	if line, err := bufio.NewReader(stdout).ReadString('\n'); err != nil || line != "open\n" {
		t.Fatalf("the second process said %q, %v", line, err)
	}
	return cmd
}

func TestSecondProcessIsRefused(t *testing.T) {
	dir := private(t)
	cmd := second(t, "hold", dir)
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	_, err = Open(dir)
	wantError(t, err, "is in use by slipway with pid "+strconv.Itoa(cmd.Process.Pid)+" on "+host)
	if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	d, err := Open(dir)
	if err != nil {
		t.Fatalf("after the holder was killed: %v", err)
	}
	_, err = Open(dir)
	wantError(t, err, "pid "+strconv.Itoa(os.Getpid()))
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
}
