package agent

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway/slipway/internal/blob"
	"github.com/slipway/slipway/internal/bundle"
	"github.com/slipway/slipway/internal/bundle/bundletest"
	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/host"
	"github.com/slipway/slipway/internal/node"
)

// unprivileged is this machine without becoming root on it: the programs of these tests need no more.
type unprivileged struct{ *host.Local }

func (u unprivileged) Run(ctx context.Context, c host.Command) error {
	c.Root = false
	return u.Local.Run(ctx, c)
}

// scripted is an agent on this machine whose binary is a shell script.
func scripted(t *testing.T, script string) *Agent {
	t.Helper()
	path := filepath.Join(t.TempDir(), "slipway")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	return &Agent{Host: unprivileged{host.NewLocal()}, remote: path, pushed: true}
}

func TestNeeded(t *testing.T) {
	a, b, c := bundletest.Blob(t, "a"), bundletest.Blob(t, "bb"), bundletest.Blob(t, "ccc")
	digests, sizes := needed([]node.Change{
		{ID: "binary a", Blobs: []node.Blob{b}}, {ID: "swap"}, {ID: "image x", Blobs: []node.Blob{c, a}}, {ID: "image y", Blobs: []node.Blob{c, b}},
	})
	if diff := cmp.Diff([]string{b.Digest, c.Digest, a.Digest}, digests); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]int64{a.Digest: a.Size, b.Digest: b.Size, c.Digest: c.Size}, sizes); diff != "" {
		t.Error(diff)
	}
}

func TestAsking(t *testing.T) {
	a := scripted(t, `[ "$1 $2" = "node facts" ] && [ "$(cat)" = '{"ports":[6443],"routes":null,"programs":null}' ] && echo '{"hostname":"w-1","ports":{"6443":"etcd"}}'`)
	facts, err := a.Facts(t.Context(), node.Ask{Ports: []int{6443}})
	if err != nil || facts.Hostname != "w-1" || facts.Ports[6443] != "etcd" {
		t.Errorf("%+v, %v", facts, err)
	}
	for name, test := range map[string]struct{ script, want string }{
		"garbage":      {"echo Last login: yesterday", `answer to "diff": invalid character`},
		"half a value": {"printf '[{\"id\":\"file /et'", `answer to "diff": unexpected end`},
		"silence":      {"cat >/dev/null", `answer to "diff": unexpected end`},
		"failure":      {"echo this machine is broken >&2; exit 3", "exit status 3: this machine is broken"},
	} {
		_, err := scripted(t, test.script).Diff(t.Context(), node.State{})
		if err == nil || !strings.Contains(err.Error(), test.want) || !strings.HasPrefix(err.Error(), host.NewLocal().String()) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestSecretsTravelOnStdin: arguments and environment can be read by every user of the machine.
func TestSecretsTravelOnStdin(t *testing.T) {
	dir := t.TempDir()
	a := scripted(t, `cat >`+dir+`/stdin; echo "$0 $@" >`+dir+`/rest; env >>`+dir+`/rest`)
	secret := node.Resource{File: &node.File{Path: "/etc/key", Content: []byte("hunter2"), Secret: true}}
	if err := a.Converge(t.Context(), node.State{Resources: []node.Resource{secret}}, event.Discard); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"stdin": true, "rest": false} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if got := bytes.Contains(text, []byte("aHVudGVyMg")) || bytes.Contains(text, []byte("hunter2")); got != want {
			t.Errorf("the secret is in %s: %t, want %t", name, got, want)
		}
	}
}

// TestEvents: events are passed on as they come; a failure is told in the machine's own words.
func TestEvents(t *testing.T) {
	self := host.NewLocal().String()
	for name, test := range map[string]struct {
		script string
		events int
		want   string // of the error; "" for none
	}{
		"all is well":        {`echo '{"kind":"changed","subject":"swap"}'; echo '{"kind":"done"}'`, 2, ""},
		"silence":            {``, 0, ""},
		"a told failure":     {`echo '{"kind":"failed","subject":"unit kubelet.service","message":"start it: no such file"}'; echo noise >&2; exit 1`, 1, self + ": unit kubelet.service: start it: no such file"},
		"without a subject":  {`echo '{"kind":"failed","message":"locked by another"}'; exit 1`, 1, self + ": locked by another"},
		"the first of two":   {`echo '{"kind":"failed","message":"first"}'; echo '{"kind":"failed","message":"second"}'; exit 1`, 2, self + ": first"},
		"an untold failure":  {`echo '{"kind":"changed"}'; echo 'fatal error: out of memory' >&2; exit 2`, 1, "exit status 2: fatal error: out of memory"},
		"a failure survived": {`echo '{"kind":"failed","message":"tried again"}'; exit 0`, 1, ""},
		"a panic":            {`echo '{"kind":"changed"}'; echo 'panic: no'; exit 0`, 1, `not an event: "panic: no"`},
	} {
		var got []event.Event
		err := scripted(t, "cat >/dev/null\n"+test.script).Converge(t.Context(), node.State{}, event.SinkFunc(func(e event.Event) { got = append(got, e) }))
		if len(got) != test.events {
			t.Errorf("%s: %d events, want %d: %+v", name, len(got), test.events, got)
		}
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
}

// TestStopping: an apply that is interrupted does not hang on the machine's side.
func TestStopping(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	a := scripted(t, `cat >/dev/null; echo '{"kind":"started"}'; exec sleep 600`)
	err := a.Clean(ctx, node.Cleaning{}, event.SinkFunc(func(event.Event) { cancel() }))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// TestSend sends what the machine lacks of what the changes need, once, and tells how far it is.
func TestSend(t *testing.T) {
	path, dir := filepath.Join(t.TempDir(), "b.bundle"), t.TempDir()
	bundletest.Write(t, path, "1.36.3", "one", "three", "seventeen")
	b, err := bundle.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	one, three := bundletest.Blob(t, "one"), bundletest.Blob(t, "three")
	a := scripted(t, `case $2 in
missing) cat >`+dir+`/asked; echo '["`+three.Digest+`"]' ;;
store) cat >`+dir+`/stream ;;
esac`)
	var last event.Event
	changes := []node.Change{{Blobs: []node.Blob{one}}, {Blobs: []node.Blob{three, one}}}
	if err := a.Send(t.Context(), b, changes, event.SinkFunc(func(e event.Event) { last = e })); err != nil {
		t.Fatal(err)
	}
	if last.Kind != event.Progress || last.Done != three.Size || last.Total != three.Size {
		t.Errorf("the last event is %+v", last)
	}
	asked, err := os.ReadFile(filepath.Join(dir, "asked"))
	if want := `["` + one.Digest + `","` + three.Digest + `"]`; err != nil || string(asked) != want {
		t.Errorf("asked %s, %v; want %s", asked, err, want)
	}
	stream, err := os.Open(filepath.Join(dir, "stream"))
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	store := blob.Store{Dir: filepath.Join(dir, "blobs")}
	if err := store.Receive(stream); err != nil {
		t.Fatal(err)
	}
	if left, err := store.Missing([]string{one.Digest, three.Digest}); err != nil || len(left) != 1 || left[0] != one.Digest {
		t.Errorf("missing afterwards: %v, %v", left, err)
	}
}

// TestSendStops: a full disk ends the sending, with the machine's reason.
func TestSendStops(t *testing.T) {
	path := filepath.Join(t.TempDir(), "b.bundle")
	noise := make([]byte, 8<<20) // which no compression makes smaller
	if _, err := rand.Read(noise); err != nil {
		t.Fatal(err)
	}
	big := string(noise)
	bundletest.Write(t, path, "1.36.3", big)
	b, err := bundle.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	a := scripted(t, `case $2 in
missing) cat ;;
store) head -c 1000 >/dev/null; echo no space left on device >&2; exit 1 ;;
esac`)
	err = a.Send(t.Context(), b, []node.Change{{Blobs: []node.Blob{bundletest.Blob(t, big)}}}, event.Discard)
	if err == nil || !strings.Contains(err.Error(), "no space left on device") {
		t.Errorf("%v", err)
	}
}

// TestSendNothing asks nothing: the program would fail.
func TestSendNothing(t *testing.T) {
	if err := scripted(t, "exit 1").Send(t.Context(), nil, []node.Change{{ID: "swap"}}, event.Discard); err != nil {
		t.Error(err)
	}
}

func TestBinaryIsNamedByItsDigest(t *testing.T) {
	path := filepath.Join(t.TempDir(), "slipway")
	if err := os.WriteFile(path, []byte("abc"), 0o755); err != nil {
		t.Fatal(err)
	}
	b, err := File(path)
	if err != nil || b.SHA256 != "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" {
		t.Errorf("%+v, %v", b, err)
	}
	if got := New(nil, b).Path(); got != "/var/lib/slipway/bin/slipway-ba7816bf8f01cfea" {
		t.Errorf("path %s", got)
	}
	if _, err := File(path + "-gone"); err == nil {
		t.Error("a binary that is not there is no error")
	}
	if self, err := Self(); err != nil || len(self.SHA256) != 64 {
		t.Errorf("%+v, %v", self, err)
	}
}
