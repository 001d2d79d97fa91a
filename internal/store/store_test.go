package store_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/slipway/slipway/internal/store"
	"github.com/slipway/slipway/internal/store/storetest"
)

func TestDir(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store { return store.Dir(filepath.Join(t.TempDir(), "a", "b")) })
}

func TestS3(t *testing.T) {
	for name, serve := range map[string]func(testing.TB) *storetest.Server{"versitygw": storetest.Serve, "rclone": storetest.ServeRclone} {
		for _, prefix := range []string{"", "clusters/prod"} {
			t.Run(name+" /"+prefix, func(t *testing.T) {
				storetest.Run(t, func(t *testing.T) store.Store {
					server := serve(t)
					server.Prefix = prefix
					return open(t, server)
				})
			})
		}
	}
}

func open(t *testing.T, server *storetest.Server) store.Store {
	t.Helper()
	s, err := store.S3(server.Bucket, server.Credentials)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestDirLeavesOthersAlone: folders, links, hidden files, and what a run that was killed left and the next one sweeps.
func TestDirLeavesOthersAlone(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{".hidden", "real"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.Symlink("real", filepath.Join(dir, "link")), os.Mkdir(filepath.Join(dir, "folder"), 0o700)); err != nil {
		t.Fatal(err)
	}
	s := store.Dir(dir)
	list, err := s.List(t.Context())
	if err != nil || len(list) != 1 || list[0].Name != "real" {
		t.Errorf("%+v, %v", list, err)
	}
	if err := s.Put(t.Context(), "new", filepath.Join(dir, "real")); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(filepath.Join(dir, "new")); err != nil || info.Mode() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if left, err := filepath.Glob(filepath.Join(dir, ".slipway-*")); err != nil || len(left) > 0 {
		t.Errorf("%v is left, %v", left, err)
	}
}

// TestS3KeepsToItsPrefix: nothing beside or below it is seen.
func TestS3KeepsToItsPrefix(t *testing.T) {
	server := storetest.Serve(t)
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, prefix := range []string{"", "prod", "prod2", "prod/old"} {
		server.Prefix = prefix
		if err := open(t, server).Put(t.Context(), "of-"+strings.ReplaceAll(prefix, "/", "-"), path); err != nil {
			t.Fatal(err)
		}
	}
	server.Prefix = "prod"
	list, err := open(t, server).List(t.Context())
	if err != nil || len(list) != 1 || list[0].Name != "of-prod" {
		t.Errorf("%+v, %v", list, err)
	}
}

// TestS3SaysWhatIsWrong: another bucket, another secret, no server; and nothing of the credentials.
func TestS3SaysWhatIsWrong(t *testing.T) {
	server := storetest.Serve(t)
	list := func(b store.Bucket, credentials string) error {
		s, err := store.S3(b, credentials)
		if err == nil {
			_, err = s.List(t.Context())
		}
		return err
	}
	elsewhere, gone := server.Bucket, server.Bucket
	elsewhere.Name, gone.Endpoint = "nobodys", "127.0.0.1:1"
	wrong, empty := filepath.Join(t.TempDir(), "wrong"), filepath.Join(t.TempDir(), "empty")
	text, err := os.ReadFile(server.Credentials)
	if err != nil {
		t.Fatal(err)
	}
	text = bytes.Replace(text, []byte(server.Secret), []byte("hunter2hunter2"), 1)
	if err := errors.Join(os.WriteFile(wrong, text, 0o600), os.WriteFile(empty, []byte("secret = hunter2\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	for want, err := range map[string]error{
		"s3://nobodys/": list(elsewhere, server.Credentials), "SignatureDoesNotMatch|signature": list(server.Bucket, wrong), "127.0.0.1:1": list(gone, server.Credentials),
		"shared credentials": list(server.Bucket, empty), "no such file": list(server.Bucket, empty+".gone"),
	} {
		found := false
		for _, word := range strings.Split(want, "|") {
			found = found || err != nil && strings.Contains(err.Error(), word)
		}
		if !found {
			t.Errorf("%v does not say %q", err, want)
		}
		if err != nil && (strings.Contains(err.Error(), server.Secret) || strings.Contains(err.Error(), "hunter2")) {
			t.Errorf("the secret is shown: %v", err)
		}
	}
	if _, err := store.Dir("/proc/nothing/here").List(t.Context()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

// TestS3ChecksCertificates: by the authority that it was given, and by no other.
func TestS3ChecksCertificates(t *testing.T) {
	server := storetest.ServeTLS(t)
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := store.Keep(t.Context(), open(t, server), "a.slipway", path); err != nil {
		t.Error(err)
	}
	for name, ca := range map[string][]byte{"the system's": nil, "another's": storetest.ServeTLS(t).CA} {
		server.CA = ca
		if _, err := open(t, server).List(t.Context()); err == nil || !strings.Contains(err.Error(), "certificate") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
