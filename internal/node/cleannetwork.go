//go:build linux

package node

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
	"k8s.io/apimachinery/pkg/util/wait"
)

// ourLinks are the interfaces that the pod network and kube-proxy make.
var ourLinks = [...]string{"cni0", "flannel.1", "flannel-v6.1", "flannel-wg", "flannel-wg-v6", "kube-ipvs0"}

// removeLinks removes interfaces that were not found at the start, routes to other nodes' pods,
// and virtual addresses whose holder was killed before it could.
func (m Machine) removeLinks(found, addresses []string) error {
	errs := []error{m.removePodRoutes(), removeAddresses(addresses)}
	links, err := netlink.LinkList()
	if err != nil {
		return err
	}
	bridge := -1
	for _, l := range links {
		if l.Attrs().Name == "cni0" {
			bridge = l.Attrs().Index
		}
	}
	for _, l := range links {
		a := l.Attrs()
		ours := slices.Contains(ourLinks[:], a.Name) || l.Type() == "veth" && bridge >= 0 && a.MasterIndex == bridge
		if !ours || slices.Contains(found, a.Name) {
			continue
		}
		if a.Name == "kube-ipvs0" {
			errs = append(errs, flushIPVS())
		}
		if err := netlink.LinkDel(l); err != nil && !errors.As(err, new(netlink.LinkNotFoundError)) && !errors.Is(err, unix.ENODEV) {
			errs = append(errs, fmt.Errorf("remove interface %s: %w", a.Name, err))
		}
	}
	return errors.Join(errs...)
}

// removePodRoutes removes host-gw's routes, which lie on the machine's own interface. The range of
// pods is known from what the pod network's agent wrote.
func (m Machine) removePodRoutes() error {
	_, pods, err := net.ParseCIDR(m.field("/run/flannel/subnet.env", "FLANNEL_NETWORK="))
	if err != nil {
		return nil // never ran here, or no IPv4
	}
	routes, err := netlink.RouteList(nil, netlink.FAMILY_V4)
	if err != nil {
		return err
	}
	var errs []error
	for _, r := range routes {
		if r.Dst == nil || !pods.Contains(r.Dst.IP) || r.Gw == nil {
			continue
		}
		if err := netlink.RouteDel(&r); err != nil && !errors.Is(err, unix.ESRCH) {
			errs = append(errs, fmt.Errorf("remove route %s: %w", r.Dst, err))
		}
	}
	return errors.Join(errs...)
}

func removeAddresses(addresses []string) error {
	if len(addresses) == 0 {
		return nil
	}
	there, err := netlink.AddrList(nil, netlink.FAMILY_ALL)
	if err != nil {
		return err
	}
	var errs []error
	for _, a := range there {
		if !slices.ContainsFunc(addresses, func(s string) bool { return a.IP.Equal(net.ParseIP(s)) }) {
			continue
		}
		link, err := netlink.LinkByIndex(a.LinkIndex)
		if err == nil {
			err = netlink.AddrDel(link, &a)
		}
		if err != nil && !errors.Is(err, unix.EADDRNOTAVAIL) {
			errs = append(errs, fmt.Errorf("remove address %s: %w", a.IP, err))
		}
	}
	return errors.Join(errs...)
}

// flushIPVS empties the kernel's virtual server table. It is called only where kube-proxy's IPVS mode has run.
func flushIPVS() error {
	family, err := netlink.GenlFamilyGet("IPVS")
	if err != nil {
		return ignore(unix.ENOENT, err)
	}
	const flush = 17 // IPVS_CMD_FLUSH, linux/ip_vs.h
	request := nl.NewNetlinkRequest(int(family.ID), unix.NLM_F_ACK)
	request.AddData(&nl.Genlmsg{Command: flush, Version: 1})
	if _, err := request.Execute(unix.NETLINK_GENERIC, 0); err != nil {
		return fmt.Errorf("flush IPVS: %w", err)
	}
	return nil
}

// setPatience is for the kernel, which lets go of a set some time after the last rule that used it is gone.
const setPatience = 10 * time.Second

// removeSets removes kube-proxy's sets, as soon as no rule uses them any more.
func (m Machine) removeSets(ctx context.Context) error {
	k, err := m.kernel()
	if err != nil || !k.has("ip_set") {
		return err // to ask would load the module
	}
	sets, err := netlink.IpsetListAll()
	if err != nil {
		return fmt.Errorf("list IP sets: %w", err)
	}
	var errs []error
	for _, s := range sets {
		if !strings.HasPrefix(s.SetName, "KUBE-") {
			continue
		}
		var busy error
		err := wait.PollUntilContextTimeout(ctx, 100*time.Millisecond, setPatience, true, func(context.Context) (bool, error) {
			busy = netlink.IpsetDestroy(s.SetName)
			return busy == nil, nil
		})
		if err != nil {
			errs = append(errs, fmt.Errorf("remove the IP set %s: %w", s.SetName, busy))
		}
	}
	return errors.Join(errs...)
}
