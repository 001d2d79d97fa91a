//go:build linux

package lab

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"
	"github.com/google/renameio/v2"
)

// stateVersion changes when an older Slipway could not take down a newer one's lab.
const stateVersion = 1

// The files of a lab's folder that outlive all others while it is taken down.
const (
	stateFile = "lab.json"
	lockFile  = "lock"
)

// state is what a lab's folder keeps of it. It is written before anything is made on the host;
// whether a machine runs is never stored but asked of the kernel.
type state struct {
	Version  int               `json:"version"`
	Name     string            `json:"name"`
	Subnet   netip.Prefix      `json:"subnet"`
	NAT      bool              `json:"nat,omitempty"`
	Base     string            `json:"base"`              // root of the base system
	Parents  map[string]string `json:"cgroups,omitempty"` // cgroup v1: hierarchy's mount point to the lab's folder in it
	Restart  []string          `json:"restart,omitempty"` // Config.Restart
	Machines []Machine         `json:"machines"`          // a machine's index names its veth; never reordered
}

// Lab is a lab whose folder exists. Its methods are safe for concurrent use, also from several
// processes: those that change the host hold a lock on the folder.
type Lab struct {
	dir   string
	state state
}

// ErrNoLab is what Open returns for a folder that holds no lab.
var ErrNoLab = errors.New("no lab here")

// Open finds the lab that Up made in dir.
func Open(dir string) (*Lab, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	raw, err := os.ReadFile(filepath.Join(dir, stateFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w; slipway lab up makes one", dir, ErrNoLab)
	}
	if err != nil {
		return nil, err
	}
	l := &Lab{dir: dir}
	if err := json.Unmarshal(raw, &l.state); err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(dir, stateFile), err)
	}
	if l.state.Version != stateVersion {
		return nil, fmt.Errorf("%s/lab.json has version %d, this slipway knows %d: take the lab down with the slipway that made it", dir, l.state.Version, stateVersion)
	}
	return l, nil
}

func (l *Lab) save() error {
	raw, err := json.MarshalIndent(l.state, "", "  ")
	if err != nil {
		return err
	}
	return renameio.WriteFile(filepath.Join(l.dir, stateFile), append(raw, '\n'), 0o644)
}

// lock holds the lab's folder against other processes and goroutines until unlock is called.
func (l *Lab) lock() (unlock func(), err error) {
	lock := flock.New(filepath.Join(l.dir, lockFile))
	if err := lock.Lock(); err != nil {
		return nil, fmt.Errorf("lock lab %s: %w", l.state.Name, err)
	}
	return func() { _ = lock.Close() }, nil
}

// machine finds a declared machine and its index.
func (l *Lab) machine(name string) (instance, error) {
	for i, m := range l.state.Machines {
		if m.Name == name {
			return l.instance(i), nil
		}
	}
	var names []string
	for _, m := range l.state.Machines {
		names = append(names, m.Name)
	}
	return instance{}, fmt.Errorf("lab %s has no machine %q; it has %q", l.state.Name, name, names)
}

func (l *Lab) instances() []instance {
	all := make([]instance, len(l.state.Machines))
	for i := range all {
		all[i] = l.instance(i)
	}
	return all
}

// Dir is the lab's folder, absolute.
func (l *Lab) Dir() string { return l.dir }

// Machines are the declared machines.
func (l *Lab) Machines() []Machine { return append([]Machine(nil), l.state.Machines...) }

// Gateway is the operator's address on the lab's bridge.
func (l *Lab) Gateway() netip.Addr { return l.state.Subnet.Addr().Next() }

// PrivateKey is the path of the SSH key that every machine's root, admin and ops accept.
func (l *Lab) PrivateKey() string { return filepath.Join(l.dir, "id_ed25519") }

// KnownHosts is the path of the file with every machine's host key.
func (l *Lab) KnownHosts() string { return filepath.Join(l.dir, "known_hosts") }

// SudoPassword is the path of the file with the password that sudo asks of the user ops.
func (l *Lab) SudoPassword() string { return filepath.Join(l.dir, "ops-password") }
