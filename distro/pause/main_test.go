package main

import (
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// TestReap leaves two children unwaited for and sees that none remains.
func TestReap(t *testing.T) {
	var pids []int
	for range 2 {
		child := exec.Command("true")
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		pids = append(pids, child.Process.Pid)
	}
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		reap()
		left := 0
		for _, pid := range pids {
			if syscall.Kill(pid, 0) == nil { // a zombie still takes signals
				left++
			}
		}
		if left == 0 {
			return
		}
	}
	t.Fatal("a child that has ended was not reaped")
}
