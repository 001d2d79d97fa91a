//go:build linux

package lab

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/gofrs/flock"
	"golang.org/x/sys/unix"

	"github.com/slipway/slipway/internal/event"
)

const suite = "bookworm"

// recipe is everything that decides what the base system holds, apart from Debian's own updates.
//
//go:embed base
var recipe embed.FS

// recipeHash names the base system that this version of the recipe makes.
func recipeHash() string {
	sum := sha256.New()
	fmt.Fprintln(sum, suite, runtime.GOARCH)
	_ = fs.WalkDir(recipe, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := recipe.ReadFile(path)
		fmt.Fprintln(sum, path, len(raw))
		sum.Write(raw)
		return err
	})
	return hex.EncodeToString(sum.Sum(nil))[:12]
}

func defaultCache() string { return filepath.Join("build", "cache", "lab-base-"+recipeHash()) }

// ensureBase returns the root of the base system in cache, building it when it is not there. A
// build that is interrupted leaves nothing that a later one would take for whole.
func ensureBase(ctx context.Context, cache, mirror string, sink event.Sink) (string, error) {
	root := filepath.Join(cache, "root")
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", err
	}
	lock := flock.New(filepath.Join(cache, "lock"))
	if err := lock.Lock(); err != nil {
		return "", fmt.Errorf("lock %s: %w", cache, err)
	}
	defer lock.Close()
	if _, err := os.Stat(root); err == nil {
		return root, nil
	}
	if err := requireTools(toolMmdebstrap); err != nil {
		return "", err
	}
	sink.Emit(event.Event{Kind: event.Started, Subject: "base system", Message: "building Debian " + suite + ", once; takes about a minute"})
	building := filepath.Join(cache, "building")
	if err := removeTree(building); err != nil {
		return "", err
	}
	if err := buildBase(ctx, building, mirror); err != nil {
		return "", fmt.Errorf("build base system in %s: %w", cache, errors.Join(err, removeTree(building)))
	}
	if err := os.Rename(building, root); err != nil {
		return "", err
	}
	sink.Emit(event.Event{Kind: event.Done, Subject: "base system", Message: root})
	return root, nil
}

func buildBase(ctx context.Context, root, mirror string) error {
	list, err := recipe.ReadFile("base/packages.txt")
	if err != nil {
		return err
	}
	args := []string{
		"--quiet", "--mode=root", "--variant=apt",
		"--include=" + strings.Join(strings.Fields(string(list)), ","), suite, root,
	}
	if mirror != "" {
		args = append(args, mirror)
	}
	if err := run(ctx, "", "mmdebstrap", args...); err != nil {
		return err
	}
	for name, at := range map[string]struct {
		path string
		mode fs.FileMode
	}{
		"base/prepare.sh":          {"usr/lib/lab/prepare", 0o755},
		"base/lab-prepare.service": {"etc/systemd/system/lab-prepare.service", 0o644},
	} {
		raw, err := recipe.ReadFile(name)
		if err != nil {
			return err
		}
		if err := writeFile(filepath.Join(root, at.path), raw, at.mode); err != nil {
			return err
		}
	}
	setup, err := recipe.ReadFile("base/setup.sh")
	if err != nil {
		return err
	}
	return run(ctx, string(setup), "chroot", root, "/bin/sh", "-s")
}

// run runs a tool of the host to its end; its output shows in the error only.
func run(ctx context.Context, stdin, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdin = strings.NewReader(stdin)
	cmd.Env = []string{"PATH=" + searchPath, "LC_ALL=C.UTF-8"}
	for _, proxy := range []string{"http_proxy", "https_proxy", "no_proxy"} { // for mmdebstrap's apt
		if value, set := os.LookupEnv(proxy); set {
			cmd.Env = append(cmd.Env, proxy+"="+value)
		}
	}
	cmd.Cancel = func() error { return cmd.Process.Signal(unix.SIGTERM) } // mmdebstrap unmounts what it mounted
	cmd.WaitDelay = 20 * time.Second
	out, err := cmd.CombinedOutput()
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	return fmt.Errorf("%s: %w: %s", name, err, tail(out, 2048))
}

func tail(out []byte, limit int) string {
	if len(out) > limit {
		out = out[len(out)-limit:]
	}
	return strings.TrimSpace(string(out))
}
