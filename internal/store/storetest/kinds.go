package storetest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"

	"github.com/gofrs/flock"
)

// kind is an S3 server that there is, and how it is started.
type kind struct {
	program func() (path string, err error)
	args    func(s *Server) []string
	env     func(s *Server) []string
}

var (
	versitygw = kind{
		compiled("s3", "github.com/versity/versitygw/cmd/versitygw", "versitygw"),
		func(s *Server) []string {
			return append(append([]string{"--port", s.Endpoint, "--region", s.Region}, s.tls...), "posix", s.Folder)
		},
		func(s *Server) []string { return []string{"ROOT_ACCESS_KEY=tester", "ROOT_SECRET_KEY=" + s.Secret} },
	}
	rclone = kind{
		compiled("rclone", ".", "rclone"),
		func(s *Server) []string {
			return append(append([]string{"serve", "s3", "--addr", s.Endpoint}, s.tls...), s.Folder)
		},
		func(s *Server) []string { return []string{`RCLONE_AUTH_KEY="tester,` + s.Secret + `"`} },
	}
)

// compiled is a program of a module below the tree's folder test, compiled into its folder build, once while it is up to date.
func compiled(module, source, name string) func() (string, error) {
	return sync.OnceValues(func() (path string, err error) {
		dir, err := tests()
		if err != nil {
			return "", err
		}
		path = filepath.Join(dir, "../build/test", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return "", err
		}
		// Tests of several packages run at the same time.
		lock := flock.New(path + ".lock")
		if err := lock.Lock(); err != nil {
			return "", err
		}
		defer func() { err = errors.Join(err, lock.Close()) }()
		cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-o", path, source)
		cmd.Dir, cmd.Env = filepath.Join(dir, module), append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=")
		if said, err := cmd.CombinedOutput(); err != nil {
			return "", fmt.Errorf("build the S3 server %s: %w: %s", name, err, said)
		}
		return path, nil
	})
}

// tests is the folder test of the tree that the test runs in.
func tests() (string, error) {
	dir, err := os.Getwd()
	for err == nil {
		path := filepath.Join(dir, "test")
		if _, missing := os.Stat(filepath.Join(path, "s3", "go.mod")); missing == nil {
			return path, nil
		}
		if dir == filepath.Dir(dir) {
			err = errors.New("there is no folder test/s3 above the package")
		}
		dir = filepath.Dir(dir)
	}
	return "", err
}
