//go:build linux

package node

import (
	"bufio"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// kernel is the running kernel and its modules.
type kernel struct {
	m       Machine
	release string
	modular bool
}

func (m Machine) kernel() (kernel, error) {
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return kernel{}, err
	}
	_, err := os.Stat(m.path("/proc/modules"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return kernel{}, err
	}
	return kernel{m: m, release: unix.ByteSliceToString(name.Release[:]), modular: err == nil}, nil
}

// has reports whether what the module gives is there now: loaded, or built in. Without loadable
// modules only using the thing tells; nothing could be done about it either way.
func (k kernel) has(module string) bool {
	name := strings.ReplaceAll(module, "-", "_")
	if _, err := os.Stat(k.m.path("/sys/module", name)); err == nil {
		return true
	}
	if k.builtin(module) {
		return true
	}
	if k.modular {
		return false
	}
	works, known := k.probe(module)
	return works || !known
}

// builtin reports whether the module is part of the kernel itself.
func (k kernel) builtin(module string) bool { return k.listed("modules.builtin", module) }

// loadable reports whether modprobe would find the module.
func (k kernel) loadable(module string) bool { return k.modular && k.listed("modules.dep", module) }

// lists reports whether depmod has told of the running kernel's modules.
func (k kernel) lists() bool {
	_, err := os.Stat(k.m.path("/lib/modules", k.release, "modules.dep"))
	return err == nil
}

// listed looks for the module's file in one of depmod's lists, whose lines begin with
// "kernel/net/bridge/br_netfilter.ko.xz" and may go on after a colon.
func (k kernel) listed(list, module string) bool {
	f, err := os.Open(k.m.path("/lib/modules", k.release, list))
	if err != nil {
		return false
	}
	defer f.Close()
	want := strings.ReplaceAll(module, "-", "_")
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		file, _, _ := strings.Cut(lines.Text(), ":")
		name, _, _ := strings.Cut(filepath.Base(file), ".ko")
		if strings.ReplaceAll(name, "-", "_") == want {
			return true
		}
	}
	return false
}
