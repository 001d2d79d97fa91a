package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"
)

// conflistName sorts first in the CNI directory, where container runtimes take the first file.
const conflistName = "10-slipway.conflist"

// conflist is a CNI network configuration list:
// https://github.com/containernetworking/cni/blob/v1.3.0/SPEC.md#configuration-format
type conflist struct {
	CNIVersion string `json:"cniVersion"`
	Name       string `json:"name"`
	Plugins    []any  `json:"plugins"`
}

type bridgePlugin struct {
	Type             string    `json:"type"`
	Bridge           string    `json:"bridge"`
	IsGateway        bool      `json:"isGateway"`
	IsDefaultGateway bool      `json:"isDefaultGateway"`
	IPMasq           bool      `json:"ipMasq"` // false: the traffic manager's rules do it for all pods
	HairpinMode      bool      `json:"hairpinMode"`
	MTU              int       `json:"mtu"`
	IPAM             localIPAM `json:"ipam"`
}

// localIPAM keeps its books in /run: no pod outlives a reboot, so neither may its address.
type localIPAM struct {
	Type    string         `json:"type"`
	DataDir string         `json:"dataDir"`
	Ranges  [][]addrsRange `json:"ranges"`
}

type addrsRange struct {
	Subnet string `json:"subnet"`
}

type portmapPlugin struct {
	Type         string          `json:"type"`
	Capabilities map[string]bool `json:"capabilities"`
	SNAT         bool            `json:"snat"`
	Backend      string          `json:"backend"`
}

// newConflist describes this node's pods: a bridge with the node's range, and host ports. (The
// runtime gives every pod its loopback by itself.)
func newConflist(podRange string, mtu int, nftables bool) conflist {
	firewall := "iptables"
	if nftables {
		firewall = "nftables"
	}
	return conflist{CNIVersion: "1.0.0", Name: "slipway", Plugins: []any{
		bridgePlugin{
			Type: "bridge", Bridge: "cni0", IsGateway: true, IsDefaultGateway: true,
			HairpinMode: true, MTU: mtu,
			IPAM: localIPAM{Type: "host-local", DataDir: "/run/cni/networks",
				Ranges: [][]addrsRange{{{Subnet: podRange}}}},
		},
		portmapPlugin{
			Type: "portmap", Capabilities: map[string]bool{"portMappings": true},
			SNAT: true, Backend: firewall,
		},
	}}
}

// writeConflist puts list into dir, whole or not at all, and leaves a file that already says so
// alone: the runtime reloads its network on any change there.
func writeConflist(dir string, list conflist) error {
	text, err := json.MarshalIndent(list, "", "  ")
	if err != nil {
		return fmt.Errorf("encode CNI configuration: %w", err)
	}
	text = append(text, '\n')
	path := filepath.Join(dir, conflistName)
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, text) {
		return nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("directory for CNI configuration: %w", err)
	}
	if err := renameio.WriteFile(path, text, 0o644, renameio.IgnoreUmask()); err != nil {
		return fmt.Errorf("CNI configuration: %w", err)
	}
	return nil
}
