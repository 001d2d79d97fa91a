package backup

import (
	"math"

	"golang.org/x/sys/unix"
)

// Free is how many bytes can be written to the file system that the path is on, without what is kept back for root: that is to be let be.
func Free(path string) (int64, error) {
	var on unix.Statfs_t
	if err := unix.Statfs(path, &on); err != nil {
		return 0, err
	}
	blocks := min(on.Bavail, math.MaxInt64/uint64(on.Bsize)) // file systems that know no bounds say so in large numbers
	return int64(blocks) * on.Bsize, nil
}
