//go:build linux

package node

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
)

// fstabMark comments out a swap line, so that it can be told from the owner's own comments.
const fstabMark = "#slipway# "

// swaps lists the active swap devices and files.
func (m Machine) swaps() ([]string, error) {
	b, err := os.ReadFile(m.path("/proc/swaps"))
	if err != nil {
		return nil, ignore(fs.ErrNotExist, err) // a kernel without swap
	}
	var out []string
	for i, line := range strings.Split(string(b), "\n") {
		if fields := strings.Fields(line); i > 0 && len(fields) > 0 {
			out = append(out, fields[0])
		}
	}
	return out, nil
}

func (s *Swap) diff(_ context.Context, p *pass) (*Change, error) {
	on, err := p.swaps()
	if err != nil {
		return nil, err
	}
	listed := false
	if err := p.eachFstab(func(line string) string {
		listed = listed || isSwap(line)
		return line
	}, nil); err != nil {
		return nil, err
	}
	switch {
	case len(on) > 0:
		return &Change{Action: Update, Before: "on: " + strings.Join(on, ", "), After: "off"}, nil
	case listed:
		return &Change{Action: Update, Before: "off", After: "off", Reason: "/etc/fstab turns it on again on boot"}, nil
	}
	return nil, nil
}

func (s *Swap) claim(_ context.Context, p *pass, e *entry) error {
	on, err := p.swaps()
	e.Before = strings.Join(on, " ")
	return err
}

func (s *Swap) apply(ctx context.Context, p *pass) error {
	on, err := p.swaps()
	if err != nil {
		return err
	}
	for _, device := range on {
		if _, err := output(ctx, nil, "swapoff", "--", device); err != nil {
			return err
		}
	}
	return p.editFstab(func(line string) string {
		if isSwap(line) {
			return fstabMark + line
		}
		return line
	})
}

// releaseSwap turns on again what was on.
func (p *pass) releaseSwap(e *entry) error {
	err := p.editFstab(func(line string) string { return strings.TrimPrefix(line, fstabMark) })
	if err != nil {
		return err
	}
	on, err := p.swaps()
	if err != nil {
		return err
	}
	var errs []error
	for _, device := range strings.Fields(e.Before) {
		if strings.Contains(" "+strings.Join(on, " ")+" ", " "+device+" ") {
			continue
		}
		_, err := output(context.Background(), nil, "swapon", "--", device)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func isSwap(line string) bool {
	fields := strings.Fields(line)
	return len(fields) >= 3 && fields[0][0] != '#' && fields[2] == "swap"
}

// eachFstab passes every line of /etc/fstab through edit and, unless it is nil, gives done the
// lines that came out.
func (p *pass) eachFstab(edit func(string) string, done func(was, is string) error) error {
	b, err := os.ReadFile(p.path("/etc/fstab"))
	if err != nil {
		return ignore(fs.ErrNotExist, err)
	}
	var out strings.Builder
	lines := bufio.NewScanner(strings.NewReader(string(b)))
	for lines.Scan() {
		fmt.Fprintln(&out, edit(lines.Text()))
	}
	if done == nil || lines.Err() != nil {
		return lines.Err()
	}
	return done(string(b), out.String())
}

// editFstab rewrites /etc/fstab where edit changes a line, keeping its mode and owner.
func (p *pass) editFstab(edit func(string) string) error {
	return p.eachFstab(edit, func(was, is string) error {
		if strings.TrimSuffix(was, "\n") == strings.TrimSuffix(is, "\n") {
			return nil
		}
		path := p.path("/etc/fstab")
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		user, _ := owner(info)
		return replaceFile(path, uint32(info.Mode().Perm()), user, func(w io.Writer) error {
			_, err := io.WriteString(w, is)
			return err
		})
	})
}
