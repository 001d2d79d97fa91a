package backup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// spare is what stays free of a file system that archives are made on. etcd's data may lie there, too, and images, logs and all else that
// a control plane writes: no backup is worth a member that cannot write any more.
const spare = 512 << 20

// roomToTake is nil where there is room for the snapshot, and beside it for the copy that it is compared by and then for the archive.
func (m *Maker) roomToTake(ctx context.Context) error {
	status, err := m.Member.Status(ctx)
	if err != nil {
		return err
	}
	return m.room(m.folder(), "a backup", 2*status.DBSize)
}

// room is nil where so many bytes can be written below the path, which need not be there yet, with some to spare.
func (m *Maker) room(path, what string, bytes int64) error {
	at := path
	for {
		_, err := os.Stat(at)
		if err == nil {
			break
		}
		if !errors.Is(err, fs.ErrNotExist) || at == filepath.Dir(at) {
			return fmt.Errorf("see whether there is room for %s: %w", what, err)
		}
		at = filepath.Dir(at)
	}
	free, err := m.Free(at)
	if err != nil {
		return fmt.Errorf("see whether there is room for %s: %s: %w", what, at, err)
	}
	if need := bytes + spare; free < need {
		return fmt.Errorf("there is no room for %s in %s: %d MB are free on its file system, and %d MB are needed, of which %d stay free for etcd and all else that writes there: "+
			"delete what is not needed, or make it larger", what, path, free>>20, need>>20, int64(spare)>>20)
	}
	return nil
}
