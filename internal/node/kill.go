//go:build linux

package node

import (
	"fmt"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Kill ends programs of pods at once. That none of them runs is an error.
func (m Machine) Kill(k Kill) (Killed, error) {
	pids, err := m.programs(k.Programs)
	if err != nil {
		return Killed{}, err
	}
	out := Killed{}
	for _, pid := range pids {
		err := syscall.Kill(pid, syscall.SIGKILL)
		if err == nil {
			out.Processes++
		} else if ignore(unix.ESRCH, err) != nil { // it may have ended since
			return out, err
		}
	}
	if out.Processes == 0 {
		return out, fmt.Errorf("no pod runs %s", strings.Join(k.Programs, " or "))
	}
	return out, nil
}
