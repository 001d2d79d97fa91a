package ui

import (
	"bytes"
	"testing"
	"time"
)

func TestColourFollowsTheEnvironment(t *testing.T) {
	for _, c := range []struct {
		env   []string
		color bool
	}{
		{nil, false}, // no terminal
		{[]string{"CLICOLOR_FORCE", "1"}, true},
		{[]string{"CLICOLOR_FORCE", "0"}, false},
		{[]string{"NO_COLOR", "1"}, false},
	} {
		if got := plain(&bytes.Buffer{}, c.env...).color; got != c.color {
			t.Errorf("%v: colour %v", c.env, got)
		}
	}
}

func TestGlyphsFollowTheLocale(t *testing.T) {
	for _, c := range []struct {
		env     map[string]string
		unicode bool
	}{
		{map[string]string{}, true},
		{map[string]string{"LANG": "C"}, true},
		{map[string]string{"LANG": "C.UTF-8"}, true},
		{map[string]string{"LANG": "de_DE.ISO-8859-1"}, false},
		{map[string]string{"LANG": "de_DE.ISO-8859-1", "LC_ALL": "de_DE.utf8"}, true},
		{map[string]string{"TERM": "linux", "LANG": "C.UTF-8"}, false},
	} {
		if got := drawsUnicode(func(n string) string { return c.env[n] }); got != c.unicode {
			t.Errorf("%v: unicode %v", c.env, got)
		}
	}
}

func TestFormats(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0.0s", 420 * time.Millisecond: "0.4s", 99 * time.Second: "99.0s", 99960 * time.Millisecond: "1m40s",
		64 * time.Second: "64.0s", 125 * time.Second: "2m05s", 3725 * time.Second: "1h02m", -time.Second: "0.0s",
	} {
		if got := duration(d); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
	for n, want := range map[int64]string{0: "0 B", 812: "812 B", 4100: "4.1 kB", 9960: "10 kB", 999_600: "1.0 MB", 480_000_000: "480 MB", 1_200_000_000: "1.2 GB"} {
		if got := size(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
	g := newLook(false, true).glyphs
	for s, want := range map[string]string{"short": "short", "/etc/kubernetes/manifests/etcd.yaml": "/etc/kub…s/etcd.yaml"} {
		if got := g.trim(s, 20); got != want {
			t.Errorf("%q: %q, want %q", s, got, want)
		}
	}
	if _, err := ParseFormat("yaml"); err == nil {
		t.Error("yaml is no output format, and was taken for one")
	}
}
