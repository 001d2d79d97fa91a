package storetest

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/slipway/slipway/internal/store"
)

// Server is a real S3 server over a folder, with one bucket.
type Server struct {
	store.Bucket
	Credentials string // path of a file, in the form of AWS's shared credentials
	Secret      string // that is in it
	Folder      string // that the objects lie in
	tls         []string
}

// Serve starts versitygw, by plain HTTP, and stops it when the test ends.
func Serve(t testing.TB) *Server {
	t.Helper()
	return serve(t, versitygw, loopback, nil)
}

// ServeRclone starts rclone's server instead.
func ServeRclone(t testing.TB) *Server {
	t.Helper()
	return serve(t, rclone, loopback, nil)
}

// ServeAt starts one of plain HTTP at an address of this machine other than loopback's, which other machines reach.
func ServeAt(t testing.TB, address string) *Server {
	t.Helper()
	return serve(t, versitygw, address, nil)
}

// ServeTLS starts one of HTTPS, whose certificate is its own authority, in Bucket's CA.
func ServeTLS(t testing.TB) *Server {
	t.Helper()
	return serve(t, versitygw, loopback, newPair(t))
}

const loopback = "127.0.0.1"

func serve(t testing.TB, k kind, at string, tls *pair) *Server {
	t.Helper()
	program, err := k.program()
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
	if tls != nil {
		s.Insecure, s.CA = false, tls.cert
		s.tls = tls.write(t, dir)
	}
	s.run(t, program, k)
	s.makeBucket(t)
	return s
}

func (s *Server) run(t testing.TB, program string, k kind) {
	t.Helper()
	var said bytes.Buffer
	cmd := exec.Command(program, k.args(s)...)
	cmd.Env = append(k.env(s), "HOME="+filepath.Dir(s.Folder))
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
