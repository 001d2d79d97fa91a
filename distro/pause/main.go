// Command pause holds a pod's namespaces open. As process 1 of a pod that shares its process
// namespace it inherits orphans, and reaps them. It ends on SIGTERM and SIGINT.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

var version = "unknown" // by the linker

func main() {
	if len(os.Args) == 2 && (os.Args[1] == "-v" || os.Args[1] == "--version") {
		fmt.Println("pause", version)
		return
	}
	// Room for many: a SIGTERM must not be lost behind a burst of SIGCHLD.
	signals := make(chan os.Signal, 64)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGCHLD)
	reap() // those that ended before anyone listened
	for s := range signals {
		switch s {
		case syscall.SIGCHLD:
			reap()
		default:
			return
		}
	}
}

// reap waits for every child that has ended. One SIGCHLD can stand for several.
func reap() {
	for {
		pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil)
		if err == syscall.EINTR {
			continue
		}
		if pid <= 0 {
			return
		}
	}
}
