package statedir

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/slipway/slipway/pki"
)

// ErrEmpty says that no cluster has been saved in the directory yet.
var ErrEmpty = errors.New("the state directory holds no cluster")

// markerFile is there as soon as a Set has been saved once. From then on the directory without
// its authorities is damaged, not empty.
const markerFile = "cluster.json"

type marker struct {
	ID      string    `json:"id"`
	Created time.Time `json:"created"`
	Saves   int       `json:"saves"` // tells a reader that what it read was replaced meanwhile
}

// setDirs hold the Set's files.
func setDirs() []string { return []string{"pki", "nodes"} }

// Load returns the saved Set, or an error that is ErrEmpty where none was ever saved. Leaves whose certificate
// and key do not match are left out, for Ensure to issue again; a damaged authority is an error.
func (d *Dir) Load() (*pki.Set, error) {
	for range 10 {
		before, err := d.readMarker()
		if err != nil {
			return nil, err
		}
		files, err := d.setFiles()
		if err != nil {
			return nil, fmt.Errorf("read the state directory: %w", err)
		}
		after, err := d.readMarker()
		if err != nil {
			return nil, err
		}
		if before == after {
			return d.decode(before, files)
		}
	}
	return nil, fmt.Errorf("state directory %s keeps changing: wait for the run that writes it", d.path)
}

func (d *Dir) decode(m marker, files map[string][]byte) (*pki.Set, error) {
	if m.ID == "" {
		if len(files) > 0 {
			return nil, fmt.Errorf("%s holds keys, but no %s to say that Slipway put them there: remove or restore it",
				d.path, markerFile)
		}
		return nil, fmt.Errorf("%s: %w", d.path, ErrEmpty)
	}
	const remedy = "restore the directory from a copy, or move it away to have it rebuilt from a control-plane node"
	set, err := pki.FromFiles(files)
	if err != nil {
		return nil, fmt.Errorf("the state of cluster %s in %s is damaged: %w\n%s", m.ID, d.path, err, remedy)
	}
	if id := set.ClusterID(); id != m.ID {
		return nil, fmt.Errorf("%s is of cluster %s, but the authority in it is of cluster %s: %s", d.path, m.ID, id, remedy)
	}
	return set, nil
}

// Save keeps set, whole or not at all, and writes only what changed. It refuses a set of another cluster.
func (d *Dir) Save(set *pki.Set) error {
	if err := d.writable(); err != nil {
		return err
	}
	c, files, err := d.difference(set)
	if err != nil || len(files) == 0 {
		return err
	}
	if err := d.stage(files, c); err != nil {
		return fmt.Errorf("save in %s: %w", d.path, err)
	}
	if err := d.recover(); err != nil {
		return fmt.Errorf("save in %s: %w", d.path, err)
	}
	return nil
}

// difference is what there is to do to save set, and the files to be written for it; none when it is saved already.
func (d *Dir) difference(set *pki.Set) (commit, map[string][]byte, error) {
	m, err := d.readMarker()
	if err != nil {
		return commit{}, nil, err
	}
	id := set.ClusterID()
	if m.ID != "" && m.ID != id {
		return commit{}, nil, fmt.Errorf("%s holds cluster %s: it cannot be replaced by cluster %s", d.path, m.ID, id)
	}
	old, err := d.setFiles()
	if err != nil {
		return commit{}, nil, fmt.Errorf("read the state directory: %w", err)
	}
	files := set.Files()
	var gone []string
	for _, name := range slices.Sorted(maps.Keys(old)) {
		if _, kept := files[name]; !kept && strings.HasPrefix(name, "nodes/") {
			gone = append(gone, name)
		}
	}
	maps.DeleteFunc(files, func(name string, content []byte) bool { return bytes.Equal(old[name], content) })
	if len(files) == 0 && len(gone) == 0 && m.ID != "" {
		return commit{}, nil, nil
	}
	if m.ID == "" {
		m = marker{ID: id, Created: time.Now().UTC().Truncate(time.Second)}
	}
	m.Saves++
	if files[markerFile], err = json.Marshal(m); err != nil {
		return commit{}, nil, err
	}
	c := newCommit(m.Saves)
	c.Move, c.Remove = slices.Sorted(maps.Keys(files)), gone
	return c, files, nil
}

func (d *Dir) readMarker() (marker, error) {
	var m marker
	text, err := d.read(markerFile)
	if errors.Is(err, fs.ErrNotExist) {
		return m, nil
	}
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal(text, &m); err != nil || m.ID == "" {
		return m, fmt.Errorf("%s does not name a cluster: restore it from a copy of the state directory", d.at(markerFile))
	}
	return m, nil
}
