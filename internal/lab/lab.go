//go:build linux

package lab

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/slipway/slipway/internal/event"
)

// Start switches machines on and returns when all answer; one that is on is only waited for. Their
// disks are as they were, their network interfaces are new, and their cables are plugged in.
func (l *Lab) Start(ctx context.Context, sink event.Sink, names ...string) error {
	var machines []instance
	for _, name := range names {
		m, err := l.machine(name)
		if err != nil {
			return err
		}
		machines = append(machines, m)
	}
	for _, m := range machines {
		if err := l.locked(m.powerOn); err != nil {
			return err
		}
	}
	return awaitAll(ctx, machines, event.On(sink, "", "lab"))
}

// Restart switches a machine on that has ended in a reboot, unless it was killed meanwhile. It is for
// Config.Restart to call.
func (l *Lab) Restart(name string) error {
	m, err := l.machine(name)
	if err != nil {
		return err
	}
	return l.locked(func() error {
		if _, err := os.Stat(m.switchedOn()); errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return m.powerOn()
	})
}

// Kill is power loss: every process of the machine is gone at once, its disk stays. Idempotent.
func (l *Lab) Kill(name string) error {
	m, err := l.machine(name)
	if err != nil {
		return err
	}
	return l.locked(m.powerOff)
}

// Down ends the machines and removes all that the lab made, its folder included. The cached base
// system stays. Idempotent: a Down that failed may be run again.
func (l *Lab) Down() error {
	return l.locked(func() error {
		var faults []error
		for _, m := range l.instances() {
			if err := m.remove(); err != nil {
				faults = append(faults, fmt.Errorf("remove %s: %w", m.Name, err))
			}
		}
		faults = append(faults, l.removeBridge(), l.removeParents())
		if err := errors.Join(faults...); err != nil {
			return fmt.Errorf("lab %s is not wholly down, run it again: %w", l.state.Name, err)
		}
		return l.removeDir()
	})
}

// removeDir removes the lab's folder, and what says that it is a lab's last.
func (l *Lab) removeDir() error {
	entries, err := os.ReadDir(l.dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Name() != stateFile && e.Name() != lockFile {
			if err := removeTree(filepath.Join(l.dir, e.Name())); err != nil {
				return err
			}
		}
	}
	return errors.Join(os.Remove(filepath.Join(l.dir, stateFile)), os.RemoveAll(l.dir))
}

// Remove takes down the lab in dir, and is content when there is none; what an Up left there that was
// killed before it made anything is removed too.
func Remove(dir string) error {
	l, err := Open(dir)
	if err == nil {
		return l.Down()
	}
	if !errors.Is(err, ErrNoLab) {
		return err
	}
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Name() != lockFile {
			return fmt.Errorf("%s holds %s but no %s, so it is no lab's folder: not removed", dir, e.Name(), stateFile)
		}
	}
	return os.RemoveAll(dir)
}

// remove takes the machine off the host.
func (m instance) remove() error {
	if err := m.powerOff(); err != nil {
		return err
	}
	if err := m.removeCgroups(); err != nil {
		return err
	}
	if err := m.removeRuntime(); err != nil {
		return err
	}
	return removeTree(m.dir())
}

func (l *Lab) locked(do func() error) error {
	if err := requireRoot(); err != nil {
		return err
	}
	unlock, err := l.lock()
	if err != nil {
		return err
	}
	defer unlock()
	if _, err := os.Stat(filepath.Join(l.dir, stateFile)); err != nil { // taken down while we waited for the lock
		return fmt.Errorf("%s: %w", l.dir, ErrNoLab)
	}
	return do()
}

// MachineStatus is a machine as it is now.
type MachineStatus struct {
	Machine
	On     bool   `json:"on"`
	Cut    bool   `json:"cut,omitempty"`    // its network cable is pulled
	PID    int    `json:"pid,omitempty"`    // its init, on the host
	Bridge string `json:"bridge,omitempty"` // the bridge its cable leads to
	Veth   string `json:"veth,omitempty"`   // the bridge's end of its cable
}

// List says how each machine is, in the order of declaration.
func (l *Lab) List() ([]MachineStatus, error) {
	var all []MachineStatus
	for _, m := range l.instances() {
		pid, err := m.leader()
		if err != nil {
			return nil, err
		}
		s := MachineStatus{Machine: m.Machine, On: pid != 0, PID: pid, Bridge: l.bridge(), Veth: m.veth()}
		if s.On {
			if s.Cut, err = m.isCut(); err != nil {
				return nil, err
			}
		}
		all = append(all, s)
	}
	return all, nil
}
