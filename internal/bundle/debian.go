package bundle

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/google/renameio/v2"

	"github.com/slipway/slipway/internal/event"
)

// debian unpacks Debian packages into root filesystems, and keeps them.
type debian struct {
	lists string // directory of NAME.txt: package names, # comments
	cache string
	arch  string // GOARCH, which Debian names alike for those we support
}

// rootfs is the unpacked packages of one list with all that they depend on.
type rootfs struct {
	Path     string            // tar archive as mmdebstrap left it
	Versions map[string]string // of the packages on the list and of those that they need
	Cached   bool
}

// unpack makes the root filesystem of list, or finds it made for the very versions that Debian has
// now. Without a network it falls back, with a warning, on what was made last.
func (d debian) unpack(ctx context.Context, list string, sink event.Sink) (rootfs, error) {
	wanted, err := d.read(list)
	if err != nil {
		return rootfs{}, err
	}
	versions, err := d.resolve(ctx, wanted)
	if err != nil {
		last, lastErr := d.last(wanted)
		if lastErr != nil || ctx.Err() != nil {
			return rootfs{}, fmt.Errorf("packages of %s: %w", list, err)
		}
		problem, _, _ := strings.Cut(err.Error(), "\n")
		sink.Emit(event.Event{Kind: event.Warning, Subject: "packages " + list,
			Message: "using those of an earlier build, for Debian could not be asked: " + problem})
		return last, nil
	}
	base := d.base(wanted) + "-" + versionsKey(versions)
	if _, err := os.Stat(base + ".json"); err == nil {
		return rootfs{base + ".tar", versions, true}, nil
	}
	if err := d.bootstrap(ctx, versions, base+".tar"); err != nil {
		return rootfs{}, fmt.Errorf("packages of %s: %w", list, err)
	}
	note, err := json.Marshal(versions)
	if err != nil {
		return rootfs{}, err
	}
	// Written last: the note says that the archive is whole.
	return rootfs{base + ".tar", versions, false}, renameio.WriteFile(base+".json", note, 0o644)
}

// last is what was made last for wanted.
func (d debian) last(wanted []string) (rootfs, error) {
	notes, err := filepath.Glob(d.base(wanted) + "-*.json")
	if err != nil || len(notes) == 0 {
		return rootfs{}, errors.Join(err, os.ErrNotExist)
	}
	newest, err := newestOf(notes)
	if err != nil {
		return rootfs{}, err
	}
	note, err := os.ReadFile(newest)
	if err != nil {
		return rootfs{}, err
	}
	r := rootfs{Path: strings.TrimSuffix(newest, ".json") + ".tar", Cached: true}
	return r, json.Unmarshal(note, &r.Versions)
}

func newestOf(paths []string) (newest string, err error) {
	var at int64
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return "", err
		}
		if t := info.ModTime().UnixNano(); t > at {
			newest, at = path, t
		}
	}
	return newest, nil
}

var packageName = regexp.MustCompile(`^[a-z0-9][a-z0-9+.-]+$`)

// read returns the package names of the list.
func (d debian) read(list string) ([]string, error) {
	path := filepath.Join(d.lists, list+".txt")
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read package list: %w", err)
	}
	var names []string
	for i, line := range strings.Split(string(text), "\n") {
		line, _, _ = strings.Cut(line, "#")
		for _, name := range strings.Fields(line) {
			if !packageName.MatchString(name) {
				return nil, fmt.Errorf("%s:%d: %q is no Debian package name", path, i+1, name)
			}
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("%s: lists no package", path)
	}
	return names, nil
}

// base is where in the cache root filesystems of wanted lie, whatever their versions.
func (d debian) base(wanted []string) string {
	sum := sha256.Sum256([]byte(suite + " " + d.arch + " " + strings.Join(wanted, " ")))
	return filepath.Join(d.cache, hex.EncodeToString(sum[:8]))
}

func versionsKey(versions map[string]string) string {
	var lines bytes.Buffer
	for _, name := range slices.Sorted(maps.Keys(versions)) {
		fmt.Fprintln(&lines, name, versions[name])
	}
	sum := sha256.Sum256(lines.Bytes())
	return hex.EncodeToString(sum[:8])
}
