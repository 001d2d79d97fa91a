package store_test

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/slipway/slipway/internal/store"
)

// TestS3TellsWhatMayNotBeRead: an object that was moved to cold storage, and one that a policy denies, are told apart from one that is
// not there and from a bucket that may not be listed, with the server's own word for it.
func TestS3TellsWhatMayNotBeRead(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		code, status := "AccessDenied", http.StatusForbidden
		switch {
		case strings.HasSuffix(r.URL.Path, "cold.slipway"):
			code = "InvalidObjectState"
		case strings.HasSuffix(r.URL.Path, "gone.slipway"):
			code, status = "NoSuchKey", http.StatusNotFound
		}
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(status)
		fmt.Fprintf(w, "<Error><Code>%s</Code><Message>no</Message></Error>", code)
	}))
	defer server.Close()
	credentials := filepath.Join(t.TempDir(), "credentials")
	if err := os.WriteFile(credentials, []byte("[default]\naws_access_key_id = tester\naws_secret_access_key = hunter2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := store.S3(store.Bucket{Endpoint: strings.TrimPrefix(server.URL, "http://"), Name: "archives", Region: "us-east-1", Insecure: true}, credentials)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]error{"cold.slipway": fs.ErrPermission, "denied.slipway": fs.ErrPermission, "gone.slipway": fs.ErrNotExist} {
		_, err := s.Read(t.Context(), name, 0, 512)
		if !errors.Is(err, want) || !strings.Contains(err.Error(), s.Path(name)) {
			t.Errorf("%s: %v", name, err)
		}
		if name == "cold.slipway" && !strings.Contains(err.Error(), "InvalidObjectState") {
			t.Errorf("what the server says is lost: %v", err)
		}
	}
	if _, err := s.List(t.Context()); err == nil || errors.Is(err, fs.ErrPermission) {
		t.Errorf("a bucket that may not be listed: %v", err)
	}
}
