//go:build linux

package lab

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// DefaultName is the lab that is meant when none is named.
const DefaultName = "default"

// Config says what lab to make. The zero value of a field means its default.
type Config struct {
	Dir    string       // the lab's folder, on a filesystem that is not overlayfs; "build/lab", or "build/lab-NAME"
	Cache  string       // the base system's folder; "build/cache/lab-base-<hash of the recipe>"
	Mirror string       // Debian mirror to build the base from; mmdebstrap's own default
	Name   string       // tells labs on one host apart: 1 to 9 of a-z, 0-9; "default"
	Subnet netip.Prefix // of the bridge; 10.77.0.0/24; its first address is the operator's
	Nodes  []Machine

	// NAT gives each machine two interfaces, as Vagrant does: eth0 with 10.0.2.15, the same on every
	// machine, and the default route; eth1 with the machine's own address.
	NAT bool

	// Restart is a command that is given a machine's name when that machine has rebooted itself, and
	// calls Lab.Restart. Without one a machine that reboots stays off until Start.
	Restart []string
}

// Machine is one machine as declared.
type Machine struct {
	Name    string     `json:"name"`
	Address netip.Addr `json:"address"`
	Memory  int64      `json:"memory,omitempty"` // limit in bytes; 0 for none
}

var (
	labName     = regexp.MustCompile(`^[a-z0-9]{1,9}$`)
	machineName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$`)
)

// complete returns c with defaults filled in and paths made absolute, or every fault it has.
func (c Config) complete() (Config, error) {
	if c.Name == "" {
		c.Name = DefaultName
	}
	if !labName.MatchString(c.Name) {
		return c, fmt.Errorf("lab name %q: want 1 to 9 of a-z and 0-9 (interface names are short)", c.Name)
	}
	if c.Dir == "" {
		c.Dir = DefaultDir(c.Name)
	}
	if c.Cache == "" {
		c.Cache = defaultCache()
	}
	if !c.Subnet.IsValid() {
		c.Subnet = netip.MustParsePrefix("10.77.0.0/24")
	}
	c.Subnet = c.Subnet.Masked()
	var err error
	if c.Dir, err = filepath.Abs(c.Dir); err != nil {
		return c, err
	}
	if c.Cache, err = filepath.Abs(c.Cache); err != nil {
		return c, err
	}
	return c, errors.Join(checkPath(c.Dir), checkPath(c.Cache), c.checkNodes())
}

// DefaultDir is the folder of the lab called name, relative to the working directory.
func DefaultDir(name string) string {
	if name == "" || name == DefaultName {
		return filepath.Join("build", "lab")
	}
	return filepath.Join("build", "lab-"+name)
}

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }

// checkPath refuses what mount options and nspawn's --bind would take apart.
func checkPath(path string) error {
	if strings.ContainsAny(path, ":,\\\n\"'") {
		return fmt.Errorf("folder %q: a lab's path cannot hold a colon, comma, quote or backslash", path)
	}
	return nil
}

func (c Config) checkNodes() error {
	if !c.Subnet.Addr().Is4() || c.Subnet.Bits() > 29 {
		return fmt.Errorf("subnet %s: want an IPv4 range of /29 or wider", c.Subnet)
	}
	if len(c.Nodes) == 0 {
		return errors.New("a lab needs at least one machine")
	}
	var faults []error
	names, addresses := map[string]bool{}, map[netip.Addr]string{c.gateway(): "the bridge"}
	for _, m := range c.Nodes {
		switch holder, taken := addresses[m.Address]; {
		case !machineName.MatchString(m.Name):
			faults = append(faults, fmt.Errorf("machine name %q: want 1 to 40 of a-z, 0-9 and inner hyphens", m.Name))
		case names[m.Name]:
			faults = append(faults, fmt.Errorf("machine %s is declared twice", m.Name))
		case !c.Subnet.Contains(m.Address):
			faults = append(faults, fmt.Errorf("machine %s: address %s lies outside the lab's subnet %s", m.Name, m.Address, c.Subnet))
		case taken:
			faults = append(faults, fmt.Errorf("machine %s: address %s belongs to %s", m.Name, m.Address, holder))
		}
		names[m.Name], addresses[m.Address] = true, m.Name
	}
	for _, arg := range c.Restart {
		if strings.ContainsAny(arg, "'\n") {
			faults = append(faults, fmt.Errorf("restart command %q: no quotes or line breaks in it", arg))
		}
	}
	return errors.Join(faults...)
}

// gateway is the bridge's address: the first one of the subnet.
func (c Config) gateway() netip.Addr { return c.Subnet.Addr().Next() }
