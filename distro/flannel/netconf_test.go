package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLoadNetConf(t *testing.T) {
	for name, c := range map[string]struct{ text, problem string }{
		"vxlan":          {`{"Network": "10.244.0.0/16", "EnableNFTables": true, "Backend": {"Type": "vxlan"}}`, ""},
		"host-gw":        {`{"Network": "10.244.0.0/16", "Backend": {"Type": "host-gw"}}`, ""},
		"no backend":     {`{"Network": "10.244.0.0/16"}`, `Backend Type is "udp"`},
		"cloud backend":  {`{"Network": "10.244.0.0/16", "Backend": {"Type": "tencent-vpc"}}`, `choose "vxlan" or "host-gw"`},
		"no network":     {`{"Backend": {"Type": "vxlan"}}`, "no Network"},
		"dual stack":     {`{"Network": "10.244.0.0/16", "EnableIPv6": true, "IPv6Network": "fd00::/48", "Backend": {"Type": "vxlan"}}`, "IPv6 is not supported yet"},
		"IPv6 network":   {`{"Network": "10.244.0.0/16", "IPv6Network": "fd00::/48", "Backend": {"Type": "vxlan"}}`, "IPv6 is not supported yet"},
		"no IPv4":        {`{"EnableIPv4": false, "Network": "10.244.0.0/16", "Backend": {"Type": "vxlan"}}`, "only IPv4 is supported"},
		"not JSON":       {`Network: 10.244.0.0/16`, "invalid character"},
		"IPv6 as IPv4":   {`{"Network": "fd00::/48", "Backend": {"Type": "vxlan"}}`, "network configuration"},
		"Backend a text": {`{"Network": "10.244.0.0/16", "Backend": "vxlan"}`, "decoding Backend"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "net-conf.json")
			if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := loadNetConf(path)
			switch {
			case c.problem == "" && err != nil:
				t.Error(err)
			case c.problem != "" && err == nil:
				t.Error("taken without an error")
			case c.problem != "" && (!strings.Contains(err.Error(), c.problem) || !strings.Contains(err.Error(), path)):
				t.Errorf("the error %q says not both %q and the file's path", err, c.problem)
			}
		})
	}
}
