//go:build linux

package node

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// release puts the machine back to how it was before e. It is idempotent. gone is false where
// something of ours has to stay: a directory that is not empty.
func (p *pass) release(ctx context.Context, e *entry) (gone bool, err error) {
	kind, name, _ := strings.Cut(e.ID, " ")
	switch kind {
	case "dir":
		if err := p.releaseDir(e, name); err != nil {
			return false, err
		}
		_, err := os.Stat(p.path(name))
		return !e.Created || errors.Is(err, fs.ErrNotExist), nil
	case "file", "binary":
		err = p.releaseFile(e, name)
	case "image":
		err = p.releaseImage(ctx, name)
	case "unit":
		err = p.releaseUnit(ctx, e, name)
	case "sysctl":
		err = p.releaseSysctl(e, name)
	case "module":
		err = p.releaseModule(name)
	case "swap":
		err = p.releaseSwap(e)
	default:
		err = fmt.Errorf("this slipway knows no %q", kind)
	}
	return err == nil, err
}
