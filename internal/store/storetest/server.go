package storetest

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/gofrs/flock"
	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/slipway/slipway/internal/store"
)

// Server is a real S3 server, versitygw over a folder, with one bucket.
type Server struct {
	store.Bucket
	Credentials string // path of a file, in the form of AWS's shared credentials
	Secret      string // that is in it
	Folder      string // that the objects lie in
}

// built is the server's executable, compiled from the module test/s3 into the tree's folder build, once while it is up to date.
var built = sync.OnceValues(func() (path string, err error) {
	module, err := module()
	if err != nil {
		return "", err
	}
	path = filepath.Join(module, "../../build/test/versitygw")
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return "", err
	}
	// Tests of several packages run at the same time.
	lock := flock.New(path + ".lock")
	if err := lock.Lock(); err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-o", path, "github.com/versity/versitygw/cmd/versitygw")
	cmd.Dir, cmd.Env = module, append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=")
	if said, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the S3 server: %w: %s", err, said)
	}
	return path, nil
})

// module is the folder test/s3 of the tree that the test runs in.
func module() (string, error) {
	dir, err := os.Getwd()
	for err == nil {
		path := filepath.Join(dir, "test", "s3")
		if _, missing := os.Stat(filepath.Join(path, "go.mod")); missing == nil {
			return path, nil
		}
		if dir == filepath.Dir(dir) {
			err = fmt.Errorf("there is no folder test/s3 above the package")
		}
		dir = filepath.Dir(dir)
	}
	return "", err
}

// Serve starts a server of plain HTTP and stops it when the test ends.
func Serve(t testing.TB) *Server {
	t.Helper()
	return serve(t, loopback, nil)
}

// ServeAt starts one of plain HTTP at an address of this machine other than loopback's, which other machines reach.
func ServeAt(t testing.TB, address string) *Server {
	t.Helper()
	return serve(t, address, nil)
}

// ServeTLS starts one of HTTPS, whose certificate is its own authority, in Bucket's CA.
func ServeTLS(t testing.TB) *Server {
	t.Helper()
	return serve(t, loopback, newPair(t))
}

const loopback = "127.0.0.1"

func serve(t testing.TB, at string, tls *pair) *Server {
	t.Helper()
	program, err := built()
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", net.JoinHostPort(at, "0"))
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	random := make([]byte, 16)
	if _, err := rand.Read(random); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	s := &Server{
		Bucket: store.Bucket{Endpoint: address, Name: "archives", Region: "us-east-1", Insecure: true}, Secret: hex.EncodeToString(random),
		Credentials: filepath.Join(dir, "credentials"), Folder: filepath.Join(dir, "objects"),
	}
	if err := os.Mkdir(s.Folder, 0o700); err != nil {
		t.Fatal(err)
	}
	keys := fmt.Sprintf("[default]\naws_access_key_id = tester\naws_secret_access_key = %s\n", s.Secret)
	if err := os.WriteFile(s.Credentials, []byte(keys), 0o600); err != nil {
		t.Fatal(err)
	}
	var flags []string
	if tls != nil {
		s.Insecure, s.CA = false, tls.cert
		flags = tls.write(t, dir)
	}
	s.run(t, program, flags)
	s.makeBucket(t)
	return s
}

func (s *Server) run(t testing.TB, program string, flags []string) {
	t.Helper()
	var said bytes.Buffer
	cmd := exec.Command(program, append(append([]string{"--port", s.Endpoint, "--region", s.Region}, flags...), "posix", s.Folder)...)
	cmd.Env = []string{"HOME=" + filepath.Dir(s.Folder), "ROOT_ACCESS_KEY=tester", "ROOT_SECRET_KEY=" + s.Secret}
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended by itself, which Wait tells
		_ = cmd.Wait()         // it was killed
		if t.Failed() {
			t.Logf("the S3 server said: %s", said.String())
		}
	})
}

// makeBucket makes the bucket as soon as the server answers.
func (s *Server) makeBucket(t testing.TB) {
	t.Helper()
	options := &minio.Options{Creds: credentials.NewStaticV4("tester", s.Secret, ""), Region: s.Region, Secure: !s.Insecure}
	if !s.Insecure {
		options.Transport = trusting(t, s.CA)
	}
	client, err := minio.New(s.Endpoint, options)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for {
		err := client.MakeBucket(ctx, s.Name, minio.MakeBucketOptions{Region: s.Region})
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatal(err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}
