//go:build linux

package node

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
)

// The files that keep parameters and modules over reboots. They are Slipway's alone.
const (
	// Sorted after 99-sysctl.conf, Debian's link to /etc/sysctl.conf: the last file wins.
	sysctlConf  = "/etc/sysctl.d/99-zz-slipway.conf"
	modulesConf = "/etc/modules-load.d/slipway.conf"
)

const confHeader = "# Written by slipway, and read on boot.\n"

// readConf is the file's lines without comments; none where there is no file.
func (p *pass) readConf(name string) ([]string, error) {
	b, err := os.ReadFile(p.path(name))
	if err != nil {
		return nil, ignore(fs.ErrNotExist, err)
	}
	var lines []string
	scanner := bufio.NewScanner(bytes.NewReader(b))
	for scanner.Scan() {
		if line := strings.TrimSpace(scanner.Text()); line != "" && line[0] != '#' {
			lines = append(lines, line)
		}
	}
	return lines, scanner.Err()
}

// editConf removes the lines that match and adds line, unless it is empty.
// A file without lines left is removed.
func (p *pass) editConf(name, line string, match func(string) bool) error {
	was, err := p.readConf(name)
	if err != nil {
		return err
	}
	lines := slices.DeleteFunc(slices.Clone(was), match)
	if line != "" {
		lines = append(lines, line)
	}
	slices.Sort(lines)
	if len(lines) == 0 {
		return ignore(fs.ErrNotExist, os.Remove(p.path(name)))
	}
	if slices.Equal(lines, was) {
		return nil
	}
	return replaceFile(p.path(name), 0o644, os.Getuid(), func(w io.Writer) error {
		_, err := fmt.Fprint(w, confHeader, strings.Join(lines, "\n"), "\n")
		return err
	})
}

// errAbsent is a kernel parameter that this machine does not have.
var errAbsent = errors.New("this kernel has no such parameter")
