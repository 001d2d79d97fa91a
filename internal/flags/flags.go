// Package flags knows which flags and feature gates the programs of each supported release take, and what upstream says of the old ones. Its tables
// are written by the programs themselves: tests in distro/kube and distro/etcd hold them to what is compiled there.
package flags

import (
	"embed"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

//go:embed *.json
var files embed.FS

// Release is what the programs of one release take. Nobody may change one: all share it.
type Release struct {
	Version  string                       `json:"version"`  // 1.36.3
	Programs map[string]map[string]string `json:"programs"` // by program and flag: upstream's words where the flag is an old one, or ""
	Gates    map[string]Gate              `json:"gates"`    // feature gates by name; the programs of a release share them
}

// Gate is how far a feature is.
type Gate struct {
	Stage  string // ALPHA, BETA, GA or DEPRECATED
	On     bool   // unless it is set otherwise
	Locked bool   // it cannot be set otherwise
}

// UnmarshalText reads a gate as the tables have it: "GA on locked".
func (g *Gate) UnmarshalText(text []byte) error {
	words := strings.Fields(string(text))
	if len(words) < 2 {
		return fmt.Errorf("feature gate %q: expected a stage, and on or off", text)
	}
	*g = Gate{Stage: words[0], On: words[1] == "on", Locked: slices.Contains(words[2:], "locked")}
	return nil
}

// tables are all of them, by file, read once.
var tables = sync.OnceValues(func() (map[string]*Release, error) {
	entries, err := files.ReadDir(".")
	if err != nil {
		return nil, err
	}
	all := map[string]*Release{}
	for _, e := range entries {
		text, err := files.ReadFile(e.Name())
		if err != nil {
			return nil, err
		}
		r := new(Release)
		if err := json.Unmarshal(text, r); err != nil {
			return nil, fmt.Errorf("table %s: %w", e.Name(), err)
		}
		all[e.Name()] = r
	}
	return all, nil
})

// Kubernetes are the supported releases of Kubernetes, oldest first.
func Kubernetes() ([]*Release, error) {
	all, err := tables()
	if err != nil {
		return nil, err
	}
	var out []*Release
	for _, name := range slices.Sorted(maps.Keys(all)) { // by minor version, which has two digits
		if strings.HasPrefix(name, "kubernetes-") {
			out = append(out, all[name])
		}
	}
	return out, nil
}

// Etcd is the release of etcd that clusters of every version run.
func Etcd() (*Release, error) {
	all, err := tables()
	if err != nil {
		return nil, err
	}
	return all["etcd.json"], nil
}

// Names are the flags of a program, in order.
func (r *Release) Names(program string) []string {
	return slices.Sorted(maps.Keys(r.Programs[program]))
}

// GateNames are the feature gates, in order.
func (r *Release) GateNames() []string { return slices.Sorted(maps.Keys(r.Gates)) }

// Has reports whether the program takes the flag.
func (r *Release) Has(program, flag string) bool {
	_, has := r.Programs[program][flag]
	return has
}

// Setting is one feature gate as the value of a flag sets it.
type Setting struct {
	Gate  string
	Value string // "true", if it is well written
}

// Settings reads the value of --feature-gates: Name=true, by commas.
func Settings(value string) (out []Setting) {
	for _, one := range strings.Split(value, ",") {
		if one = strings.TrimSpace(one); one == "" {
			continue
		}
		name, set, _ := strings.Cut(one, "=")
		out = append(out, Setting{strings.TrimSpace(name), strings.TrimSpace(set)})
	}
	return out
}
