package main

import (
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestExternalInterface(t *testing.T) {
	iface, err := externalInterface("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	if iface.IfaceName != "lo" || iface.ExtAddr.String() != "127.0.0.1" || iface.Iface.MTU == 0 {
		t.Errorf("got %+v", iface)
	}
	for address, problem := range map[string]string{
		"203.0.113.77": "must be an address of this machine",
		"fd00::1":      "IPv6 is not supported yet",
		"eth0":         "is not an IP address",
	} {
		if _, err := externalInterface(address); err == nil || !strings.Contains(err.Error(), problem) {
			t.Errorf("%s: error %v does not say %q", address, err, problem)
		}
	}
}

func TestBridgedTraffic(t *testing.T) {
	dir := t.TempDir()
	for text, problem := range map[string]string{"1\n": "", "0\n": "set it to 1"} {
		path := filepath.Join(dir, strings.TrimSpace(text))
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := checkBridgedTraffic(path); (err == nil) != (problem == "") || err != nil && !strings.Contains(err.Error(), problem) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if err := checkBridgedTraffic(filepath.Join(dir, "none")); err == nil || !strings.Contains(err.Error(), "br_netfilter") {
		t.Errorf("missing: %v", err)
	}
}

func TestReadPrevious(t *testing.T) {
	path := filepath.Join(t.TempDir(), "subnet.env")
	text := "FLANNEL_NETWORK=10.244.0.0/16\nFLANNEL_SUBNET=10.244.3.1/24\nFLANNEL_MTU=1450\nFLANNEL_IPMASQ=true\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	was := readPrevious(path)
	if was.network.String() != "10.244.0.0/16" || was.subnet.String() != "10.244.3.0/24" {
		t.Errorf("got %v and %v", was.network, was.subnet)
	}
	if was := readPrevious(path + "-none"); !was.network.Empty() || !was.subnet.Empty() {
		t.Errorf("without a file: %v", was)
	}
}

func TestParse(t *testing.T) {
	t.Setenv("NODE_NAME", "")
	for args, problem := range map[string]string{
		"--node-name w-1 --node-ip 10.0.0.21":       "",
		"--node-ip 10.0.0.21":                       "--node-name",
		"--node-name w-1":                           "--node-ip",
		"--node-name w-1 --node-ip 10.0.0.21 extra": "unexpected argument",
		"--version":                                 "version asked for",
	} {
		flags := flag.NewFlagSet("", flag.ContinueOnError)
		flags.SetOutput(io.Discard)
		_, err := parse(flags, strings.Fields(args))
		if (err == nil) != (problem == "") || err != nil && !strings.Contains(err.Error(), problem) {
			t.Errorf("%s: %v", args, err)
		}
	}
}
