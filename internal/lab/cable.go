//go:build linux

package lab

import (
	"errors"
	"fmt"
	"net"

	"github.com/vishvananda/netlink"
)

// Cut pulls the machine's network cable; idempotent. The machine stays on.
func (l *Lab) Cut(name string) error {
	return l.onCable(name, "cut", netlink.LinkSetDown)
}

// Mend plugs the cable in again; idempotent. Start does so too.
func (l *Lab) Mend(name string) error {
	return l.onCable(name, "mend", netlink.LinkSetUp)
}

func (l *Lab) onCable(name, act string, do func(netlink.Link) error) error {
	m, err := l.machine(name)
	if err != nil {
		return err
	}
	link, err := netlink.LinkByName(m.veth())
	if errors.As(err, &netlink.LinkNotFoundError{}) {
		return fmt.Errorf("%s %s: its cable %s is gone: is the machine off?", act, name, m.veth())
	}
	if err == nil {
		err = do(link)
	}
	if err != nil {
		return fmt.Errorf("%s %s: %w", act, name, err)
	}
	return nil
}

func (m instance) isCut() (bool, error) {
	link, err := netlink.LinkByName(m.veth())
	if errors.As(err, &netlink.LinkNotFoundError{}) {
		return true, nil // on, but being unplugged
	}
	if err != nil {
		return false, fmt.Errorf("cable of %s: %w", m.Name, err)
	}
	return link.Attrs().Flags&net.FlagUp == 0, nil
}
