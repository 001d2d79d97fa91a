//go:build torture || bench

package test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// sourceCommit names the source that was measured.
func sourceCommit(root string) (string, error) {
	out, err := exec.Command("git", "-C", root, "rev-parse", "--short", "HEAD").Output()
	if err != nil {
		return "", fmt.Errorf("git rev-parse: %w", err)
	}
	changed, err := exec.Command("git", "-C", root, "status", "--porcelain", "--", "*.go", "distro", "templates").Output()
	if err != nil {
		return "", fmt.Errorf("git status: %w", err)
	}
	commit := strings.TrimSpace(string(out))
	if len(changed) > 0 {
		commit += " with uncommitted changes"
	}
	return commit, nil
}

// thisMachine describes where all of it ran.
func thisMachine() (string, error) {
	release, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return "", err
	}
	memory, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return "", err
	}
	var kib int64
	if _, err := fmt.Sscanf(string(memory), "MemTotal: %d kB", &kib); err != nil {
		return "", fmt.Errorf("%s: %w", filepath.Join("/proc", "meminfo"), err)
	}
	return fmt.Sprintf("one machine of %d cores and %d GiB, Linux %s", runtime.NumCPU(), (kib+1<<19)>>20, strings.TrimSpace(string(release))), nil
}
