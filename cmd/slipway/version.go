package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
)

// version is what "slipway version -o json" prints.
type version struct {
	Version    string   `json:"version"`          // of the module; "devel" when built from a work tree
	Commit     string   `json:"commit,omitempty"` // with "+dirty" when the tree had changes
	Go         string   `json:"go"`
	Platform   string   `json:"platform"`
	Kubernetes []string `json:"kubernetes"` // supported, oldest first
}

// newVersion is the verb that says what this program is; supported are its Kubernetes versions.
func newVersion(supported []string) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Say which slipway this is and which Kubernetes versions it makes",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o, err := output(cmd)
			if err != nil {
				return err
			}
			v := thisVersion(supported)
			return o.Value(v, func(w io.Writer) error {
				_, err := fmt.Fprintf(w, "slipway %s\n", v)
				return err
			})
		},
	}
}

// thisVersion reads what the Go linker wrote into the program.
func thisVersion(supported []string) version {
	v := version{Version: "devel", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH, Kubernetes: supported}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	if m := info.Main.Version; m != "" && m != "(devel)" {
		v.Version = m
	}
	dirty := ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			v.Commit = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = "+dirty"
		}
	}
	if v.Commit != "" {
		v.Commit += dirty
	}
	return v
}

func (v version) String() string {
	text := v.Version
	if v.Commit != "" {
		text += " (" + v.Commit + ")"
	}
	return fmt.Sprintf("%s, %s, %s\nKubernetes %s", text, v.Go, v.Platform, strings.Join(v.Kubernetes, ", "))
}
