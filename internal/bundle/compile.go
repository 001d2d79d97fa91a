package bundle

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/slipway/slipway/internal/event"
)

// compiler turns parts into executables, and keeps them.
type compiler struct {
	distro string // directory of the nested modules
	cache  string
	arch   string // GOARCH
}

// madePart is a part and its executable in the cache.
type madePart struct {
	Part
	path   string
	cached bool // its inputs are those of an earlier build, so go build was not even started
}

// compile makes p, or finds it made.
func (c compiler) compile(ctx context.Context, p Part, sink event.Sink) (madePart, error) {
	key, err := c.key(ctx, p)
	if err != nil {
		return madePart{}, fmt.Errorf("compile %s: %w", p.Name, err)
	}
	path, err := filepath.Abs(filepath.Join(c.cache, p.Output+"-"+key[:32]))
	if err != nil {
		return madePart{}, err
	}
	if _, err := os.Stat(path); err == nil {
		return madePart{p, path, true}, nil
	}
	if err := os.MkdirAll(c.cache, 0o755); err != nil {
		return madePart{}, err
	}
	unfinished := path + ".part"
	if err := c.build(ctx, p, unfinished, sink); err != nil {
		return madePart{}, fmt.Errorf("compile %s %s: %w", p.Name, p.Version, err)
	}
	return madePart{p, path, false}, os.Rename(unfinished, path)
}

func (c compiler) build(ctx context.Context, p Part, out string, sink event.Sink) error {
	args := []string{"build", "-v", "-trimpath", "-buildvcs=false"}
	if p.Modfile != "" {
		args = append(args, "-modfile="+p.Modfile)
	}
	if len(p.Tags) > 0 {
		args = append(args, "-tags="+strings.Join(p.Tags, ","))
	}
	ldflags := strings.Join(append([]string{"-s", "-w"}, p.LDFlags...), " ")
	args = append(args, "-ldflags="+ldflags, "-o", out, p.Package)
	cmd := c.command(ctx, p, args...)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	problems := watch(stderr, p, sink)
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("(cd %s && go %s): %w\n%s", cmd.Dir, strings.Join(args, " "), err, strings.Join(problems, "\n"))
	}
	return nil
}

// command is the go command in p's module. It is interrupted, not killed, when ctx ends, so that
// it takes its compilers with it.
func (c compiler) command(ctx context.Context, p Part, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = filepath.Join(c.distro, p.Dir)
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH="+c.arch, "GOWORK=off", "CGO_ENABLED=0")
	if p.CGO {
		cmd.Env = append(cmd.Env, "CGO_ENABLED=1")
	}
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	return cmd
}

// watch reports the packages that go names as it compiles them, and returns the end of what else it says.
func watch(stderr io.Reader, p Part, sink event.Sink) (problems []string) {
	const keep = 40 // lines
	var packages int64
	var last time.Time
	for r := bufio.NewReader(stderr); ; {
		line, err := r.ReadString('\n')
		if err != nil { // the end, of which Wait says whether it is a good one
			return problems
		}
		line = strings.TrimSuffix(line, "\n")
		if strings.ContainsAny(line, " #:") {
			problems = append(problems, line)
			problems = problems[max(0, len(problems)-keep):]
			continue
		}
		packages++
		if time.Since(last) > 5*time.Second {
			last = time.Now()
			sink.Emit(event.Event{Kind: event.Progress, Subject: "part " + p.Name, Message: fmt.Sprintf("%d packages compiled, last %s", packages, line), Done: packages})
		}
	}
}

// key identifies all that p is made of: its row, its module's files, and the toolchain with its settings.
// Other modules are pinned by go.sum, which is one of those files.
func (c compiler) key(ctx context.Context, p Part) (string, error) {
	hash := sha256.New()
	if err := json.NewEncoder(hash).Encode(p); err != nil {
		return "", err
	}
	// GOFLAGS and the CGO ones change the result; paths of caches do not.
	env, err := c.command(ctx, p, "env", "GOVERSION", "GOOS", "GOARCH", "GOAMD64", "GOARM64", "GOFLAGS", "GOEXPERIMENT",
		"CC", "CGO_ENABLED", "CGO_CFLAGS", "CGO_LDFLAGS").Output()
	if err != nil {
		return "", fmt.Errorf("go env in %s: %w", filepath.Join(c.distro, p.Dir), err)
	}
	hash.Write(env)
	if err := hashDir(hash, filepath.Join(c.distro, p.Dir), p.Modfile); err != nil {
		return "", err
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}

// hashDir writes names and contents of dir's files to hash, leaving out modfiles other than the one used.
func hashDir(hash io.Writer, dir, modfile string) error {
	if modfile == "" {
		modfile = "go.mod"
	}
	sumfile := strings.TrimSuffix(modfile, ".mod") + ".sum"
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		name := d.Name()
		if err != nil || !d.Type().IsRegular() || strings.HasSuffix(name, "_test.go") {
			return err
		}
		if ext := filepath.Ext(name); (ext == ".mod" || ext == ".sum") && name != modfile && name != sumfile {
			return nil
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(hash, "%s %d\n%s", rel, len(content), content)
		return err
	})
}
