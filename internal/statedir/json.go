package statedir

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"regexp"
	"time"

	"github.com/slipway/slipway/internal/spec"
)

// Put keeps v as NAME.json, atomically, and writes nothing when that is what the file says already.
// name is of lower-case letters, digits and hyphens. v must not hold secrets.
func (d *Dir) Put(name string, v any) error {
	if err := d.writable(); err != nil {
		return err
	}
	file, err := d.jsonFile(name)
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("keep %s in the state directory: %w", name, err)
	}
	text = append(text, '\n')
	if old, err := os.ReadFile(file); err == nil && bytes.Equal(old, text) {
		return nil
	}
	if err := replace(file, text); err != nil {
		return fmt.Errorf("keep %s in the state directory: %w", name, err)
	}
	return nil
}

// Get reads what Put kept into v, and reports whether there was anything.
func (d *Dir) Get(name string, v any) (bool, error) {
	file, err := d.jsonFile(name)
	if err != nil {
		return false, err
	}
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read %s from the state directory: %w", name, err)
	}
	if err := json.Unmarshal(text, v); err != nil {
		return false, fmt.Errorf("%s is not what Slipway wrote: %w", file, err)
	}
	return true, nil
}

// Drop forgets what Put kept. What is not there is forgotten already.
func (d *Dir) Drop(name string) error {
	if err := d.writable(); err != nil {
		return err
	}
	file, err := d.jsonFile(name)
	if err != nil {
		return err
	}
	if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("drop %s from the state directory: %w", name, err)
	}
	return nil
}

func (d *Dir) jsonFile(name string) (string, error) {
	file := name + ".json"
	if !regexp.MustCompile(`^[a-z0-9][a-z0-9-]*$`).MatchString(name) || file == markerFile {
		return "", fmt.Errorf("%q cannot name a part of the state", name)
	}
	return d.at(file), nil
}

const nodesName, timingsName = "nodes", "timings"

// node is what it takes to reach a machine again after its node left the spec.
type node struct {
	Name       string     `json:"name"`
	Role       spec.Role  `json:"role"`
	Address    netip.Addr `json:"address"`
	SSHAddress string     `json:"sshAddress,omitempty"`
	SSH        spec.SSH   `json:"ssh"`            // paths of keys, never keys
	Left       string     `json:"left,omitempty"` // id of the cluster that it is out of, the machine not cleaned yet
}

// Left is a node that has left its cluster, or was left behind by it, while its machine still has to be cleaned.
type Left struct {
	spec.Node
	Cluster string // id of that cluster, which need not be the one that the state directory is of by now
}

// PutNodes keeps the nodes that were applied, and those that left.
func (d *Dir) PutNodes(nodes []spec.Node, left ...Left) error {
	out := make([]node, 0, len(nodes)+len(left))
	for _, n := range nodes {
		out = append(out, node{n.Name, n.Role, n.Address, n.SSHAddress, n.SSH, ""})
	}
	for _, n := range left {
		out = append(out, node{n.Name, n.Role, n.Address, n.SSHAddress, n.SSH, n.Cluster})
	}
	return d.Put(nodesName, out)
}

// Nodes returns the nodes that were applied last, without their labels, taints and place in the file;
// nil where that was never kept.
func (d *Dir) Nodes() ([]spec.Node, error) {
	nodes, _, err := d.nodes()
	return nodes, err
}

// Left returns the nodes whose machines still have to be cleaned.
func (d *Dir) Left() ([]Left, error) {
	_, left, err := d.nodes()
	return left, err
}

func (d *Dir) nodes() (nodes []spec.Node, left []Left, err error) {
	var kept []node
	if found, err := d.Get(nodesName, &kept); err != nil || !found {
		return nil, nil, err
	}
	nodes = make([]spec.Node, 0, len(kept))
	for _, n := range kept {
		one := spec.Node{Name: n.Name, Role: n.Role, Address: n.Address, SSHAddress: n.SSHAddress, SSH: n.SSH}
		if n.Left == "" {
			nodes = append(nodes, one)
		} else {
			left = append(left, Left{one, n.Left})
		}
	}
	return nodes, left, nil
}

// Timing is how long one stage of a run took.
type Timing struct {
	Stage   string        `json:"stage"`
	Node    string        `json:"node,omitempty"` // "" for the stage as a whole
	Started time.Time     `json:"started"`
	Took    time.Duration `json:"took"` // nanoseconds
}

// PutTimings keeps the timings of the last run.
func (d *Dir) PutTimings(t []Timing) error { return d.Put(timingsName, t) }

// Timings returns those of the last run, none before the first.
func (d *Dir) Timings() ([]Timing, error) {
	var out []Timing
	_, err := d.Get(timingsName, &out)
	return out, err
}
