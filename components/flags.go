package components

import (
	"maps"
	"slices"
	"strings"
)

// flagged is the command with the flags that the file sets: in the place of Slipway's own of that name, or behind them.
func (in *Input) flagged(command []string) []string {
	flags := maps.Clone(in.Cluster.Flags[command[0]])
	out := slices.Clone(command)
	for i, arg := range out {
		name, _, _ := strings.Cut(strings.TrimPrefix(arg, "--"), "=")
		if value, set := flags[name]; set && i > 0 {
			out[i] = "--" + name + "=" + value
			delete(flags, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(flags)) {
		out = append(out, "--"+name+"="+flags[name])
	}
	return out
}
