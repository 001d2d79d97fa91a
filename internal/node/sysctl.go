//go:build linux

package node

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/slipway/slipway/internal/event"
)

func (s *Sysctl) id() string { return "sysctl " + s.Key }

// sysctlPath is the file of a parameter. As for sysctl(8), a key with a slash before any dot has
// slashes between its parts, for names with dots in them.
func (p *pass) sysctlPath(key string) string {
	if i := strings.IndexAny(key, "./"); i < 0 || key[i] == '.' {
		key = strings.Map(func(r rune) rune {
			switch r {
			case '.':
				return '/'
			case '/':
				return '.'
			}
			return r
		}, key)
	}
	return p.path("/proc/sys", path.Clean("/"+key))
}

// readSysctl returns the value with its white space made plain.
func (p *pass) readSysctl(key string) (string, error) {
	b, err := os.ReadFile(p.sysctlPath(key))
	if errors.Is(err, fs.ErrNotExist) {
		return "", errAbsent
	}
	return plain(string(b)), err
}

func plain(value string) string { return strings.Join(strings.Fields(value), " ") }

// writeSysctl writes in place: /proc has no other way.
func (p *pass) writeSysctl(key, value string) error {
	f, err := os.OpenFile(p.sysctlPath(key), os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(value + "\n")
	return errors.Join(err, f.Close())
}

// leave reports whether an optional parameter cannot be set here: absent, read-only as in some
// network namespaces, or refused by the kernel before.
func (s *Sysctl) leave(p *pass) bool {
	if !s.Optional {
		return false
	}
	if e := p.inv.entry(s.id()); e != nil && e.Refused == s.Value {
		return true
	}
	f, err := os.OpenFile(p.sysctlPath(s.Key), os.O_WRONLY, 0)
	if err != nil {
		return true
	}
	_ = f.Close()
	return false
}

func (s *Sysctl) line() string { return s.Key + " = " + s.Value }

func (s *Sysctl) diff(_ context.Context, p *pass) (*Change, error) {
	got, err := p.readSysctl(s.Key)
	if s.leave(p) && (err != nil || got != plain(s.Value)) {
		return nil, nil
	}
	if errors.Is(err, errAbsent) && p.awaitsModule() {
		return &Change{Action: Update, After: s.Value, Reason: "comes with a kernel module"}, nil
	}
	if err != nil {
		return nil, err
	}
	if got != plain(s.Value) {
		return &Change{Action: Update, Before: got, After: s.Value}, nil
	}
	lines, err := p.readConf(sysctlConf)
	if err != nil || slices.Contains(lines, s.line()) {
		return nil, err
	}
	return &Change{Action: Update, Before: got, After: s.Value, Reason: "not kept over reboots"}, nil
}

// awaitsModule reports whether a module, which may bring parameters with it, is still to be loaded.
func (p *pass) awaitsModule() bool {
	for id := range p.differs {
		if strings.HasPrefix(id, "module ") {
			return true
		}
	}
	return false
}

func (s *Sysctl) claim(_ context.Context, p *pass, e *entry) error {
	got, err := p.readSysctl(s.Key)
	if err != nil && !errors.Is(err, errAbsent) { // what comes with a module has no value from before
		if s.Optional {
			return nil
		}
		return err
	}
	e.Before = got
	return p.claimParents(sysctlConf)
}

func (s *Sysctl) apply(_ context.Context, p *pass) error {
	if got, err := p.readSysctl(s.Key); err != nil || got != plain(s.Value) {
		if err := p.writeSysctl(s.Key, s.Value); err != nil {
			if !s.Optional {
				return fmt.Errorf("set it to %s: %w", s.Value, err)
			}
			p.inv.entry(s.id()).Refused = s.Value
			p.emit(event.Event{Kind: event.Warning, Subject: s.id(), Message: "left alone, the kernel refuses " + s.Value + ": " + err.Error()})
			return nil
		}
	}
	return p.editConf(sysctlConf, s.line(), sameKey(s.Key))
}

func sameKey(key string) func(string) bool {
	return func(line string) bool {
		k, _, _ := strings.Cut(line, "=")
		return strings.TrimSpace(k) == key
	}
}

// releaseSysctl puts the value back that was there before us.
func (p *pass) releaseSysctl(e *entry, key string) error {
	if err := p.editConf(sysctlConf, "", sameKey(key)); err != nil {
		return err
	}
	got, err := p.readSysctl(key)
	if err != nil || e.Before == "" || got == e.Before {
		return ignore(errAbsent, err)
	}
	if err := p.writeSysctl(key, e.Before); err != nil && e.Refused == "" {
		return fmt.Errorf("set it back to %s: %w", e.Before, err)
	}
	return nil
}
