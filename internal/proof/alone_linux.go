package proof

import "syscall"

// alone keeps a terminal's Ctrl-C from the program, which is this process's to stop, and ends it where this process is killed.
func alone() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
