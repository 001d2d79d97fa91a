//go:build linux

package node

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"strconv"
	"time"

	"github.com/google/renameio/v2"
	"k8s.io/apimachinery/pkg/util/wait"
)

// yieldPatience is longer than keepalived takes to notice: two failed checks, a second apart.
const yieldPatience = 15 * time.Second

// Yield lets another machine have the shared address, and waits until this one no longer has it. What it writes holds for
// its time only, so that nobody need come back to end it. A machine without the address just does not take it meanwhile.
func (m Machine) Yield(ctx context.Context, y Yield) error {
	path := m.path(y.File)
	if y.For == 0 {
		return ignore(fs.ErrNotExist, os.Remove(path))
	}
	until := strconv.FormatInt(time.Now().Add(y.For).Unix(), 10)
	if err := renameio.WriteFile(path, []byte(until+"\n"), 0o644); err != nil {
		return err
	}
	err := wait.PollUntilContextTimeout(ctx, 100*time.Millisecond, yieldPatience, true, func(context.Context) (bool, error) {
		has, err := hasAddress(y.Address)
		return !has, err
	})
	if err != nil {
		return errors.Join(fmt.Errorf("the shared address %s has not moved to another machine: %w", y.Address, err), os.Remove(path))
	}
	return nil
}

func hasAddress(a netip.Addr) (bool, error) {
	all, err := net.InterfaceAddrs()
	if err != nil {
		return false, err
	}
	for _, is := range all {
		if p, err := netip.ParsePrefix(is.String()); err == nil && p.Addr() == a {
			return true, nil
		}
	}
	return false, nil
}
