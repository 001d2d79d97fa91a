//go:build linux

package node

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
)

func (d *Dir) diff(_ context.Context, p *pass) (*Change, error) {
	want := attributes(fs.FileMode(d.Mode), d.User, d.User)
	info, err := os.Stat(p.path(d.Path)) // a link to a directory will do
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &Change{Action: Create, After: want}, nil
	case err != nil:
		return nil, err
	case !info.IsDir():
		return nil, errors.New("is there and is no directory: move it away")
	}
	if got := fileAttributes(info); got != want {
		return &Change{Action: Update, Before: got, After: want}, nil
	}
	return nil, nil
}

func (d *Dir) claim(_ context.Context, p *pass, e *entry) error {
	info, err := os.Stat(p.path(d.Path))
	if errors.Is(err, fs.ErrNotExist) {
		e.Created = true
		return p.claimParents(d.Path)
	}
	if err != nil {
		return err
	}
	// Places themselves stay: they may be disks of the owner's.
	if e.Created = p.taking && belongs(d.Path) && !slices.Contains(inherited[:], d.Path); !e.Created {
		e.Before = fileAttributes(info)
	}
	return nil
}

func (d *Dir) apply(_ context.Context, p *pass) error {
	path := p.path(d.Path)
	if err := os.MkdirAll(path, 0o755); err != nil {
		return err
	}
	return setAttributes(path, d.Mode, d.User, d.User)
}

// releaseDir removes a directory of ours when nothing is in it, and puts another's attributes back.
func (p *pass) releaseDir(e *entry, name string) error {
	path := p.path(name)
	if !e.Created {
		mode, user, group, err := parseAttributes(e.Before)
		if err != nil {
			return err
		}
		return ignore(fs.ErrNotExist, setAttributes(path, mode, user, group))
	}
	list, err := os.ReadDir(path)
	if err != nil {
		return ignore(fs.ErrNotExist, err)
	}
	if len(list) > 0 {
		return nil
	}
	return os.Remove(path)
}

// attributes is mode and owner as a reader sees them, and as the inventory keeps them.
func attributes(mode fs.FileMode, user, group int) string {
	return fmt.Sprintf("mode %04o owner %d:%d", mode.Perm(), user, group)
}

func fileAttributes(info fs.FileInfo) string {
	user, group := owner(info)
	return attributes(info.Mode(), user, group)
}

func parseAttributes(s string) (mode uint32, user, group int, err error) {
	if _, err = fmt.Sscanf(s, "mode %o owner %d:%d", &mode, &user, &group); err != nil {
		err = fmt.Errorf("%q in the inventory is no mode and owner: %w", s, err)
	}
	return mode, user, group, err
}

// setAttributes leaves alone what is right, so that it works without privilege where it can.
func setAttributes(path string, mode uint32, user, group int) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if u, g := owner(info); u != user || g != group {
		if err := os.Chown(path, user, group); err != nil {
			return err
		}
	}
	// After chown, which clears set-id bits.
	if info.Mode().Perm() != fs.FileMode(mode).Perm() {
		return os.Chmod(path, fs.FileMode(mode).Perm())
	}
	return nil
}

// ignore is err, or nil where err is that one.
func ignore(expected, err error) error {
	if errors.Is(err, expected) {
		return nil
	}
	return err
}
