//go:build linux

package node

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"github.com/slipway/slipway/internal/blob"
	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/layout"
)

// newMachine is an empty machine in a directory.
func newMachine(t *testing.T) Machine {
	t.Helper()
	return Machine{Root: t.TempDir()}
}

func (m Machine) mustWrite(t *testing.T, path, content string) {
	t.Helper()
	path = m.path(path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func (m Machine) mustRead(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(m.path(path))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func (m Machine) has(path string) bool {
	_, err := os.Lstat(m.path(path))
	return err == nil
}

func state(rs ...Resource) State {
	return State{Version: StateVersion, Cluster: "one", Node: "cp-1", Resources: rs}
}

func file(path, content string) Resource {
	return Resource{File: &File{Path: path, Mode: 0o644, User: os.Getuid(), Content: []byte(content)}}
}

func dir(path string) Resource {
	return Resource{Dir: &Dir{Path: path, Mode: 0o750, User: os.Getuid()}}
}

func sysctl(key, value string) Resource { return Resource{Sysctl: &Sysctl{Key: key, Value: value}} }

// send puts an executable into the blob store as a bundle would carry it.
func (m Machine) send(t *testing.T, path, content string) Resource {
	t.Helper()
	enc, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	packed := enc.EncodeAll([]byte(content), nil)
	name, err := blob.EntryName(hash(packed))
	if err != nil {
		t.Fatal(err)
	}
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	if err := errors.Join(w.WriteHeader(&tar.Header{Name: name, Size: int64(len(packed)), Mode: 0o644})); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(packed); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Close(), m.Blobs().Receive(&buf)); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(content))
	return Resource{Binary: &Binary{Path: path, Mode: 0o755, SHA256: hex.EncodeToString(sum[:]), Size: int64(len(content)),
		Blob: Blob{Digest: hash(packed), Size: int64(len(packed))}}}
}

// converge must succeed and leave nothing to do.
func converge(t *testing.T, m Machine, s State) (events []string) {
	t.Helper()
	m.Sink = event.SinkFunc(func(e event.Event) {
		events = append(events, strings.TrimSpace(string(e.Kind)+" "+e.Subject+" "+e.Message))
	})
	if err := m.Converge(context.Background(), s); err != nil {
		t.Fatal(err)
	}
	if left := diff(t, m, s); len(left) > 0 {
		t.Fatalf("after converge: %v", left)
	}
	return events
}

func diff(t *testing.T, m Machine, s State) (changes []string) {
	t.Helper()
	list, err := m.Diff(context.Background(), s)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range list {
		changes = append(changes, strings.TrimSuffix(string(c.Action)+" "+c.ID+": "+c.Reason, ": "))
	}
	return changes
}

func TestConvergeMakesInOrderAndOnlyOnce(t *testing.T) {
	m := newMachine(t)
	m.mustWrite(t, "/proc/sys/net/ipv4/ip_forward", "0\n")
	s := state(dir("/etc/a"), file("/etc/a/b", "text\n"), file("/opt/x/y/z", "deep"), sysctl("net.ipv4.ip_forward", "1"), m.send(t, "/usr/bin/tool", "#!/bin/sh\n"))
	want := []string{"changed dir /etc/a create", "changed file /etc/a/b create", "changed file /opt/x/y/z create",
		"changed sysctl net.ipv4.ip_forward update", "changed binary /usr/bin/tool create"}
	if d := cmp.Diff(want, converge(t, m, s)); d != "" {
		t.Error(d)
	}
	if got := converge(t, m, s); len(got) > 0 {
		t.Errorf("a second converge: %v", got)
	}
	if got := m.mustRead(t, "/proc/sys/net/ipv4/ip_forward"); got != "1\n" {
		t.Errorf("sysctl: %q", got)
	}
	if got := m.mustRead(t, sysctlConf); got != confHeader+"net.ipv4.ip_forward = 1\n" {
		t.Errorf("sysctl file: %q", got)
	}
	if missing, err := m.Blobs().Missing([]string{s.Resources[4].Binary.Blob.Digest}); err != nil || len(missing) != 1 {
		t.Errorf("the blob should be gone: %v %v", missing, err)
	}
}

func TestDiffShowsDriftAndConvergeMendsIt(t *testing.T) {
	m := newMachine(t)
	m.mustWrite(t, "/proc/sys/vm/overcommit_memory", "0\n")
	tool := m.send(t, "/usr/bin/tool", "tool")
	s := state(dir("/etc/a"), file("/etc/a/b", "text\n"), sysctl("vm.overcommit_memory", "1"), tool)
	converge(t, m, s)
	m.mustWrite(t, "/etc/a/b", "other\n")
	m.mustWrite(t, "/proc/sys/vm/overcommit_memory", "2\n")
	m.mustWrite(t, "/usr/bin/tool", "loot")
	if err := os.Chmod(m.path("/etc/a"), 0o777); err != nil {
		t.Fatal(err)
	}
	want := []string{"update dir /etc/a", "update file /etc/a/b", "update sysctl vm.overcommit_memory", "update binary /usr/bin/tool"}
	if d := cmp.Diff(want, diff(t, m, s)); d != "" {
		t.Error(d)
	}
	if err := m.Converge(context.Background(), s); err == nil || !strings.Contains(err.Error(), "has not been sent") {
		t.Errorf("without the blob: %v", err)
	}
	m.send(t, "/usr/bin/tool", "tool")
	converge(t, m, s)
}

func TestASecretShowsAsAHash(t *testing.T) {
	m := newMachine(t)
	m.mustWrite(t, "/etc/key", "old secret")
	r := file("/etc/key", "new secret")
	r.File.Secret, r.File.Mode = true, 0o600
	changes, err := m.Diff(context.Background(), state(r))
	if err != nil || len(changes) != 1 {
		t.Fatal(changes, err)
	}
	if c := changes[0]; c.Before != hash([]byte("old secret")) || c.After != hash([]byte("new secret")) || !strings.Contains(c.Reason, "want mode 0600") {
		t.Errorf("%+v", c)
	}
	for _, e := range converge(t, m, state(r)) {
		if strings.Contains(e, "secret") {
			t.Errorf("event %q", e)
		}
	}
	deletes, err := m.Diff(context.Background(), state())
	if err != nil || len(deletes) != 1 || deletes[0].Before != hash([]byte("new secret")) {
		t.Errorf("%+v %v", deletes, err)
	}
}

func TestWhatIsNoLongerWantedGoesAndWhatWasThereComesBack(t *testing.T) {
	m := newMachine(t)
	m.mustWrite(t, "/etc/theirs", "theirs")
	m.mustWrite(t, "/etc/kept/mine", "somebody's")
	m.mustWrite(t, "/proc/sys/a/b", "7\n")
	if err := os.Symlink("elsewhere", m.path("/etc/link")); err != nil {
		t.Fatal(err)
	}
	s := state(dir("/etc/full"), dir("/etc/void"), file("/etc/theirs", "ours"), file("/etc/link", "ours"), file("/etc/kept/ours", "ours"), sysctl("a.b", "8"))
	converge(t, m, s)
	m.mustWrite(t, "/etc/full/data", "precious")

	want := []string{"delete sysctl a.b: no longer wanted", "delete file /etc/kept/ours: no longer wanted", "delete file /etc/link: no longer wanted",
		"delete file /etc/theirs: no longer wanted", "delete dir /etc/void: no longer wanted"}
	if d := cmp.Diff(want, diff(t, m, state())); d != "" {
		t.Error(d)
	}
	converge(t, m, state())
	if got := m.mustRead(t, "/etc/theirs") + m.mustRead(t, "/etc/kept/mine") + m.mustRead(t, "/etc/full/data") + m.mustRead(t, "/proc/sys/a/b"); got != "theirssomebody'sprecious7\n" {
		t.Errorf("left: %q", got)
	}
	if target, err := os.Readlink(m.path("/etc/link")); target != "elsewhere" {
		t.Errorf("link: %q %v", target, err)
	}
	for _, path := range []string{"/etc/kept/ours", "/etc/void", sysctlConf} {
		if m.has(path) {
			t.Errorf("%s is still there", path)
		}
	}
}

func TestAReleaseThatWasInterruptedDoesNotTakeTheOriginal(t *testing.T) {
	m := newMachine(t)
	m.mustWrite(t, "/etc/theirs", "theirs")
	converge(t, m, state(file("/etc/theirs", "ours")))
	before := m.mustRead(t, layout.Home+"/inventory.json")
	converge(t, m, state())
	m.mustWrite(t, layout.Home+"/inventory.json", before) // as if killed before it was written
	converge(t, m, state())
	if got := m.mustRead(t, "/etc/theirs"); got != "theirs" {
		t.Errorf("%q", got)
	}
}

func TestAMachineOfAnotherClusterIsRefused(t *testing.T) {
	m := newMachine(t)
	converge(t, m, state(file("/etc/a", "a")))
	other := state(file("/etc/a", "b"))
	other.Cluster = "two"
	err := m.Converge(context.Background(), other)
	var foreign *ForeignError
	if !errors.As(err, &foreign) || foreign.Cluster != "one" || !strings.Contains(err.Error(), "slipway destroy") {
		t.Errorf("%v", err)
	}
	if got := m.mustRead(t, "/etc/a"); got != "a" {
		t.Errorf("it was touched: %q", got)
	}
	if _, err := m.Diff(context.Background(), other); !errors.As(err, &foreign) {
		t.Errorf("diff: %v", err)
	}
}

func TestAChangedBlobIsRefused(t *testing.T) {
	m := newMachine(t)
	r := m.send(t, "/usr/bin/tool", "tool")
	r.Binary.SHA256 = strings.Repeat("0", 64)
	err := m.Converge(context.Background(), state(r))
	if err == nil || !strings.Contains(err.Error(), "expected "+r.Binary.SHA256) {
		t.Fatal(err)
	}
	if list, err := os.ReadDir(m.path("/usr/bin")); len(list) > 0 || err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("left: %v %v", list, err)
	}
}

func TestAnOptionalSysctlThatIsAbsentIsLeft(t *testing.T) {
	m := newMachine(t)
	r := sysctl("net.none", "1")
	if err := m.Converge(context.Background(), state(r)); !errors.Is(err, errAbsent) {
		t.Errorf("%v", err)
	}
	r.Sysctl.Optional = true
	if got := converge(t, m, state(r)); len(got) > 0 {
		t.Errorf("%v", got)
	}
}

func TestValidateTellsAllThatIsWrong(t *testing.T) {
	s := state(file("etc/a", ""), dir("/"), dir("/x"), dir("/x"), Resource{}, Resource{Unit: &Unit{Name: "u", RestartOn: []string{"file /none"}}},
		Resource{Binary: &Binary{Path: "/b", In: &ImageFile{Ref: "late:1", Path: "/b"}}}, Resource{Image: &Image{Ref: "late:1"}})
	_, err := newMachine(t).Diff(context.Background(), s)
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{"file etc/a: expected", "dir /: expected", "dir /x is there twice", "resource 4 (empty) has 0 kinds", `"file /none", which is no resource`,
		"binary /b is found in image late:1, which is no resource before it"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %v", want, err)
		}
	}
}
