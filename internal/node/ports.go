//go:build linux

package node

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// listeners tells which of the TCP ports are listened on here, and by which process.
func (m Machine) listeners(ports []int) (map[int]string, error) {
	out := map[int]string{}
	inodes := map[string]int{} // socket → port
	// Of this thread: the process's first one may have gone into a namespace of its own to probe.
	for _, table := range []string{"/proc/thread-self/net/tcp", "/proc/thread-self/net/tcp6"} {
		b, err := os.ReadFile(m.path(table))
		if err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				continue // no IPv6
			}
			return nil, err
		}
		for _, line := range strings.Split(string(b), "\n") {
			// sl local_address rem_address st tx_queue:rx_queue tr:tm->when retrnsmt uid timeout inode
			fields := strings.Fields(line)
			if len(fields) < 10 || fields[3] != "0A" { // TCP_LISTEN
				continue
			}
			if port := localPort(fields[1]); slices.Contains(ports, port) {
				inodes["socket:["+fields[9]+"]"] = port
				out[port] = "another process"
			}
		}
	}
	if len(inodes) == 0 {
		return out, nil
	}
	sockets, err := filepath.Glob(m.path("/proc/[0-9]*/fd/*"))
	if err != nil {
		return nil, err
	}
	for _, fd := range sockets {
		target, err := os.Readlink(fd)
		if err != nil {
			continue // the process has ended since
		}
		if port, ok := inodes[target]; ok {
			comm, _ := os.ReadFile(filepath.Join(filepath.Dir(filepath.Dir(fd)), "comm"))
			pid, err := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(fd))))
			if name := strings.TrimSpace(string(comm)); name != "" && err == nil {
				out[port] = name + " (pid " + strconv.Itoa(pid) + ")"
			}
		}
	}
	return out, nil
}

// localPort is the port of "0100007F:1F90"; 0 where it is none.
func localPort(address string) int {
	_, port, _ := strings.Cut(address, ":")
	b, err := hex.DecodeString(port)
	if err != nil || len(b) != 2 {
		return 0
	}
	return int(binary.BigEndian.Uint16(b))
}
