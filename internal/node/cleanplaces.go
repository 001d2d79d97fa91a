//go:build linux

package node

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/layout"
)

// removePlaces empties what the cluster has filled, unless somebody had used it before.
func (p *pass) removePlaces() error {
	mounts, err := p.mounts()
	if err != nil {
		return err
	}
	var errs []error
	for _, place := range places {
		was := p.inv.Found.Places[place]
		if place == "/run/netns" { // anybody may have come to keep network namespaces there meanwhile
			errs = append(errs, p.removeOurs(place))
			if was != used && was != void {
				err := ignore(unix.ENOTEMPTY, ignore(os.ErrNotExist, os.Remove(p.path(place))))
				errs = append(errs, ignore(unix.EBUSY, err)) // iproute2 mounts it over itself
			}
			continue
		}
		if was == used {
			if p.placeState(place) == used {
				p.emit(event.Event{Kind: event.Warning, Subject: place, Message: "was there before Slipway: left, except for Slipway's own files"})
			}
			errs = append(errs, p.removeOurs(place))
			continue
		}
		errs = append(errs, p.removePlace(place, was, mounts))
	}
	return errors.Join(errs...)
}

// removeOurs removes what bears our names in a place that others use, too.
func (p *pass) removeOurs(place string) error {
	var errs []error
	for _, pattern := range []string{"*slipway*", "net.d/*slipway*", "cni-*"} {
		found, err := filepath.Glob(p.path(place, pattern))
		errs = append(errs, err)
		for _, path := range found {
			errs = append(errs, os.RemoveAll(path))
		}
	}
	return errors.Join(errs...)
}

// removePlace never goes below a mount: behind one may lie anybody's data.
func (p *pass) removePlace(place, was string, mounts []string) error {
	path := p.path(place)
	for _, m := range mounts {
		if strings.HasPrefix(m, place+"/") {
			return fmt.Errorf("%s is still mounted: unmount it and run this again", m)
		}
	}
	if was == void || slices.Contains(mounts, place) || place == layout.Etcd {
		return p.emptyPlace(place, was)
	}
	return os.RemoveAll(path)
}

// emptyPlace keeps the directory itself where it was there before or is a mount, and in it what
// removeEtcd has put aside.
func (p *pass) emptyPlace(place, was string) error {
	list, err := os.ReadDir(p.path(place))
	if err != nil {
		return ignore(os.ErrNotExist, err)
	}
	var errs []error
	for _, e := range list {
		if place == layout.Etcd && strings.HasPrefix(e.Name(), removedName) {
			was = used
			continue
		}
		errs = append(errs, os.RemoveAll(p.path(place, e.Name())))
	}
	if was != void && was != used {
		errs = append(errs, ignore(unix.EBUSY, os.Remove(p.path(place))))
	}
	return errors.Join(errs...)
}

// mounted are the places below which pods and containers mount. What is mounted at one of them
// itself is the owner's disk.
var mounted = [...]string{"/var/lib/kubelet/", "/var/lib/containerd/", "/run/containerd/", "/run/netns/cni-"}

// mounts lists the mount points of this mount namespace, in the order they were mounted.
func (m Machine) mounts() ([]string, error) {
	b, err := os.ReadFile(m.path("/proc/self/mountinfo"))
	if err != nil {
		return nil, ignore(os.ErrNotExist, err)
	}
	unescape := strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)
	var out []string
	for _, line := range strings.Split(string(b), "\n") {
		// id parent major:minor root mountpoint …
		if fields := strings.Fields(line); len(fields) > 4 {
			out = append(out, unescape.Replace(fields[4]))
		}
	}
	return out, nil
}

// unmountAll unmounts until nothing is left: mounts may be stacked. What is busy is detached and
// goes when its last user does.
func (m Machine) unmountAll() error {
	for try := 0; ; try++ {
		mounts, err := m.mounts()
		if err != nil {
			return err
		}
		var errs []error
		left := 0
		for _, mount := range slices.Backward(mounts) {
			if !slices.ContainsFunc(mounted[:], func(prefix string) bool { return strings.HasPrefix(mount, prefix) }) {
				continue
			}
			left++
			err := unix.Unmount(mount, unix.UMOUNT_NOFOLLOW)
			if errors.Is(err, unix.EBUSY) {
				err = unix.Unmount(mount, unix.UMOUNT_NOFOLLOW|unix.MNT_DETACH)
			}
			if err != nil && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOENT) { // gone with another
				errs = append(errs, fmt.Errorf("unmount %s: %w", mount, err))
			}
		}
		if left == 0 {
			return nil
		}
		if try == 5 {
			return errors.Join(append(errs, fmt.Errorf("%d mounts are left, such as %s", left, mounts[len(mounts)-1]))...)
		}
	}
}
