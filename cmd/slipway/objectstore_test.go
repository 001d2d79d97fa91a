package main

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

// TestFetched: an object is copied to where only this user can look, for as long as it is needed.
func TestFetched(t *testing.T) {
	server, temp := storetest.Serve(t), t.TempDir()
	server.Prefix = "clusters/prod"
	s, err := store.S3(server.Bucket, server.Credentials)
	if err != nil {
		t.Fatal(err)
	}
	from := filepath.Join(temp, "a.slipway")
	if err := errors.Join(os.WriteFile(from, []byte("an archive"), 0o600), s.Put(t.Context(), "a.slipway", from)); err != nil {
		t.Fatal(err)
	}
	flags := objectFlags{endpoint: server.Endpoint, region: server.Region, credentials: server.Credentials, insecure: true}
	path, done, err := flags.fetched(t.Context(), s.Path("a.slipway"), temp)
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.Stat(path)
	if err != nil || file.Mode().Perm() != 0o600 || filepath.Base(path) != "a.slipway" {
		t.Errorf("%v, %v", file, err)
	}
	if folder, err := os.Stat(filepath.Dir(path)); err != nil || folder.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", folder, err)
	}
	if content, err := os.ReadFile(path); err != nil || !bytes.Equal(content, []byte("an archive")) {
		t.Errorf("%q, %v", content, err)
	}
	if err := done(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it is still there: %v", err)
	}

	// What is not there is the caller's mistake, and leaves nothing behind.
	_, _, err = flags.fetched(t.Context(), s.Path("b.slipway"), temp)
	var coded *exitError
	if !errors.As(err, &coded) || coded.code != exitSpec || !strings.Contains(err.Error(), "s3://archives/clusters/prod/b.slipway") {
		t.Error(err)
	}
	if left, err := filepath.Glob(filepath.Join(temp, "slipway-fetch-*")); err != nil || len(left) > 0 {
		t.Errorf("%v, %v", left, err)
	}
	// A file is taken as it is.
	if path, done, err := flags.fetched(t.Context(), from, temp); err != nil || path != from || done() != nil {
		t.Errorf("%s, %v", path, err)
	}
	if _, err := os.Stat(from); err != nil {
		t.Error(err)
	}
}
