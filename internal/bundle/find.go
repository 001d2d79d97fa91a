package bundle

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// FileName is the usual name of a bundle.
func FileName(kubernetes, arch string) string {
	return "slipway-" + kubernetes + "-" + arch + ".bundle"
}

// Find looks for the bundle of a Kubernetes version beside the spec, in the working directory, in
// ./build and beside the executable, in this order. In each it takes the one for this machine's
// architecture, or else the first for another one: operators have laptops. The error names the
// places and the command that builds a bundle.
func Find(specDir, exePath, version string) (string, error) {
	var places []string
	for _, dir := range []string{specDir, ".", "build", filepath.Dir(exePath)} {
		dir, err := filepath.Abs(dir)
		if err != nil {
			return "", err
		}
		if !slices.Contains(places, dir) {
			places = append(places, dir)
		}
	}
	for _, dir := range places {
		path, err := findIn(dir, version)
		if err != nil || path != "" {
			return path, err
		}
	}
	name := FileName(version, runtime.GOARCH)
	return "", fmt.Errorf("no bundle for Kubernetes %s: looked for %s in %s; build it with: slipway bundle build --kubernetes %s -o build/%s",
		version, name, strings.Join(places, ", "), version, name)
}

// findIn returns "" where dir holds no bundle of the version or is not there.
func findIn(dir, version string) (string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("look for a bundle: %w", err)
	}
	prefix, other := FileName(version, ""), ""
	prefix = strings.TrimSuffix(prefix, ".bundle")
	for _, entry := range entries {
		name := entry.Name()
		if name == FileName(version, runtime.GOARCH) {
			return filepath.Join(dir, name), nil
		}
		if other == "" && strings.HasPrefix(name, prefix) && filepath.Ext(name) == ".bundle" {
			other = filepath.Join(dir, name)
		}
	}
	return other, nil
}
