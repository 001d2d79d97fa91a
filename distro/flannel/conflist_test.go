package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "rewrite golden files")

func TestConflist(t *testing.T) {
	for name, nftables := range map[string]bool{"nftables": true, "iptables": false} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "not", "there", "yet")
			if err := writeConflist(dir, newConflist("10.244.3.0/24", 1450, nftables)); err != nil {
				t.Fatal(err)
			}
			got, err := os.ReadFile(filepath.Join(dir, conflistName))
			if err != nil {
				t.Fatal(err)
			}
			if !json.Valid(got) {
				t.Fatalf("not JSON:\n%s", got)
			}
			golden := filepath.Join("testdata", name+".conflist")
			if *update {
				if err := os.WriteFile(golden, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// A container runtime reloads its network whenever the file is touched.
func TestUnchangedConflistIsLeftAlone(t *testing.T) {
	dir := t.TempDir()
	write := func(mtu int) os.FileInfo {
		t.Helper()
		if err := writeConflist(dir, newConflist("10.244.3.0/24", mtu, true)); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(filepath.Join(dir, conflistName))
		if err != nil {
			t.Fatal(err)
		}
		return info
	}
	first := write(1450)
	if second := write(1450); !os.SameFile(first, second) {
		t.Error("the same configuration was written again")
	}
	if third := write(1400); os.SameFile(first, third) {
		t.Error("a new configuration was written into the old file, not beside it")
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 1 {
		t.Errorf("left behind: %v", entries)
	}
}
