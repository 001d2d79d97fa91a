package statedir

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

const lockFile = "lock"

// holder is who holds the lock, written into its file for whoever comes second.
type holder struct {
	PID   int       `json:"pid"`
	Host  string    `json:"host"`
	Since time.Time `json:"since"`
}

// acquire locks dir. The kernel drops the lock when the process ends, however it ends.
func acquire(dir string) (*flock.Flock, error) {
	file := filepath.Join(dir, lockFile)
	lock := flock.New(file, flock.SetFlag(os.O_CREATE|os.O_RDWR), flock.SetPermissions(0o600))
	ok, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock the state directory: %w", err)
	}
	if !ok {
		return nil, fmt.Errorf("state directory %s is in use by %s: wait for it to end, or end it", dir, readHolder(file))
	}
	host, err := os.Hostname()
	if err != nil {
		host = "an unnamed host"
	}
	text, err := json.Marshal(holder{PID: os.Getpid(), Host: host, Since: time.Now().UTC().Truncate(time.Second)})
	if err == nil {
		err = os.WriteFile(file, append(text, '\n'), 0o600) // in place: another inode would be another lock
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("note who holds the state directory: %w", err), lock.Unlock())
	}
	return lock, nil
}

// release frees the lock, whose file is in dir.
func release(lock *flock.Flock, dir string) error {
	return errors.Join(os.Truncate(filepath.Join(dir, lockFile), 0), lock.Unlock())
}

func readHolder(file string) string {
	text, err := os.ReadFile(file)
	var h holder
	if err != nil || json.Unmarshal(text, &h) != nil || h.PID == 0 {
		return "another run of slipway" // which has not got round to writing its name
	}
	return fmt.Sprintf("slipway with pid %d on %s since %s", h.PID, h.Host, h.Since.Format(time.RFC3339))
}
