//go:build linux

package node

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/google/renameio/v2"

	"github.com/slipway/slipway/internal/layout"
)

// inventoryVersion is the version of the inventory's format that this binary reads and writes.
const inventoryVersion = 1

// inventory is what the machine remembers between runs: which resources are ours, how they were
// before, and what it would be slow to find out again. A resource is entered before it is first
// touched, so that a crash leaves nothing behind that nobody knows of.
type inventory struct {
	Version int      `json:"version"`
	Cluster string   `json:"cluster"`
	Node    string   `json:"node"`
	Entries []*entry `json:"entries"`         // in the order in which they were first converged
	Found   *found   `json:"found,omitempty"` // the machine before its first converge
}

// entry is one resource of ours.
type entry struct {
	ID      string            `json:"id"`                // Resource.ID
	Created bool              `json:"created,omitempty"` // was not there before
	Saved   bool              `json:"saved,omitempty"`   // what was there before lies in before, in its home
	Implied bool              `json:"implied,omitempty"` // a parent directory that no resource names
	Secret  bool              `json:"secret,omitempty"`
	Before  string            `json:"before,omitempty"`  // sysctl: the value; unit: "enabled", "active"; swap: the devices
	Refused string            `json:"refused,omitempty"` // optional sysctl: the value that the kernel would not take
	SHA256  string            `json:"sha256,omitempty"`  // binary: hex digest of the file with this Stamp
	Stamp   *stamp            `json:"stamp,omitempty"`
	Inputs  map[string]string `json:"inputs,omitempty"` // unit: what it was last started with, by resource ID
}

func (m Machine) inventoryPath() string { return m.path(layout.Home, "inventory.json") }

// readInventory returns an empty inventory where there is none.
func (m Machine) readInventory() (*inventory, error) {
	path := m.inventoryPath()
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return &inventory{Version: inventoryVersion}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read inventory: %w", err)
	}
	inv := new(inventory)
	if err := json.Unmarshal(b, inv); err != nil {
		return nil, fmt.Errorf("%s is damaged: %w; restore it, or remove it to have everything found there taken for Slipway's own", path, err)
	}
	if inv.Version > inventoryVersion {
		return nil, fmt.Errorf("%s has version %d, this slipway knows %d: use the newer slipway that wrote it", path, inv.Version, inventoryVersion)
	}
	return inv, nil
}

// writeInventory replaces the inventory in one step, on disk before it returns.
func (m Machine) writeInventory(inv *inventory) error {
	b, err := json.MarshalIndent(inv, "", " ")
	if err != nil {
		return err
	}
	path := m.inventoryPath()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("write inventory: %w", err)
	}
	if err := renameio.WriteFile(path, b, 0o600); err != nil {
		return fmt.Errorf("write inventory: %w", err)
	}
	return nil
}

// entry returns the entry of id, or nil.
func (inv *inventory) entry(id string) *entry {
	for _, e := range inv.Entries {
		if e.ID == id {
			return e
		}
	}
	return nil
}

// drop forgets id.
func (inv *inventory) drop(id string) {
	inv.Entries = slices.DeleteFunc(inv.Entries, func(e *entry) bool { return e.ID == id })
}

// orphans lists what is ours and not in s any more, last converged first.
func (inv *inventory) orphans(s State) []*entry {
	if s.Part {
		return nil
	}
	wanted := map[string]bool{}
	for _, r := range s.Resources {
		wanted[r.ID()] = true
	}
	var out []*entry
	for _, e := range slices.Backward(inv.Entries) {
		if !wanted[e.ID] && !e.Implied && !slices.Contains(s.Spared, e.ID) {
			out = append(out, e)
		}
	}
	return out
}
