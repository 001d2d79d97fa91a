//go:build linux

package node

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"time"

	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/layout"
)

const (
	etcdutl = layout.Programs + "/etcdutl"
	// seedMark lies in the data itself, and so is there exactly when the data is. etcd looks at what it knows beside it only.
	seedMark = "slipway-restore.json"
)

// mark is what seedMark says.
type mark struct {
	ID string `json:"id"`
}

// Seeded tells which data etcd has on this machine.
func (m Machine) Seeded() (Seeded, error) {
	var out Seeded
	running, err := m.programs([]string{"etcd"})
	if err != nil {
		return out, err
	}
	out.Running = len(running) > 0
	if _, err := os.Stat(m.path(layout.EtcdMember)); err != nil {
		return out, ignore(fs.ErrNotExist, err)
	}
	out.Member = true
	text, err := os.ReadFile(m.path(layout.EtcdMember, seedMark))
	if err != nil {
		return out, ignore(fs.ErrNotExist, err)
	}
	var was mark
	if err := json.Unmarshal(text, &was); err != nil {
		return out, fmt.Errorf("%s is damaged: %w", m.path(layout.EtcdMember, seedMark), err)
	}
	out.ID = was.ID
	return out, nil
}

// Seed makes etcd's data on this machine out of a snapshot that is read from r. It is made beside the data that is there, which is
// then moved aside, never deleted, and changes places with it. Data that came from the same restore already is left as it is,
// since it may have served. etcd must not run. It may be killed at any point: run again, it finishes.
func (m Machine) Seed(ctx context.Context, s Seed, r io.Reader) error {
	if !regexp.MustCompile(`^[0-9A-Za-z-]+$`).MatchString(s.ID) {
		return fmt.Errorf("seed: %q is no name of a restore", s.ID)
	}
	release, err := m.lock(ctx, lockPatience)
	if err != nil {
		return err
	}
	defer release()
	was, err := m.Seeded()
	if err != nil {
		return err
	}
	beside := m.path(layout.Etcd, "restore-"+s.ID)
	switch {
	case was.ID == s.ID:
		return os.RemoveAll(beside)
	case was.Running:
		return errors.New("etcd runs: its data cannot be exchanged under it")
	}
	if err := os.RemoveAll(beside); err != nil { // of a run that was cut off
		return err
	}
	if err := os.MkdirAll(beside, 0o700); err != nil {
		return err
	}
	if err := m.unpack(ctx, s, r, beside); err != nil {
		return err
	}
	if err := m.exchange(filepath.Join(beside, "data", "member"), was.Member); err != nil {
		return err
	}
	return os.RemoveAll(beside)
}

// unpack makes the data in a directory beside, with the mark in it.
func (m Machine) unpack(ctx context.Context, s Seed, r io.Reader, beside string) error {
	snapshot, data := filepath.Join(beside, "snapshot.db"), filepath.Join(beside, "data")
	h := sha256.New()
	err := replaceFile(snapshot, 0o600, os.Getuid(), func(w io.Writer) error {
		_, err := io.Copy(io.MultiWriter(w, h), r)
		return err
	})
	if err != nil {
		return fmt.Errorf("take in the snapshot: %w", err)
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != s.SHA256 {
		return fmt.Errorf("the snapshot arrived damaged: its sha256 is %s, not %s", got, s.SHA256)
	}
	m.emit(event.Event{Kind: event.Progress, Subject: "etcd data", Message: "restoring the snapshot"})
	_, err = output(ctx, nil, m.path(etcdutl), "snapshot", "restore", snapshot, "--data-dir="+data, "--name="+s.Member,
		"--initial-cluster="+s.Initial, "--initial-cluster-token="+s.Token, "--initial-advertise-peer-urls="+s.Peer,
		"--bump-revision="+strconv.FormatInt(s.Revision, 10), "--mark-compacted")
	if err != nil {
		return err
	}
	text, err := json.Marshal(mark{s.ID})
	if err != nil {
		return err
	}
	return replaceFile(filepath.Join(data, "member", seedMark), 0o600, os.Getuid(), func(w io.Writer) error { _, err := w.Write(text); return err })
}

// exchange puts new data in the place of what is there.
func (m Machine) exchange(data string, there bool) error {
	place := m.path(layout.EtcdMember)
	if there {
		// Within the same disk, and by the name under which destroy, too, leaves data that cannot be made again.
		aside := m.path(layout.Etcd, removedName+time.Now().UTC().Format("20060102T150405.000Z"))
		if err := os.Mkdir(aside, 0o700); err != nil {
			return err
		}
		if err := os.Rename(place, filepath.Join(aside, "member")); err != nil {
			return err
		}
		m.emit(event.Event{Kind: event.Changed, Subject: "etcd data", Message: "what was there was moved to " + aside})
	}
	if err := os.Rename(data, place); err != nil {
		return err
	}
	m.emit(event.Event{Kind: event.Changed, Subject: "etcd data", Message: "restored from the snapshot"})
	return syncDir(filepath.Dir(place))
}

// syncDir makes what was renamed into or out of the directory last over a power loss.
func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
