package main

import (
	"fmt"
	"os"

	"github.com/flannel-io/flannel/pkg/subnet"
)

// loadNetConf reads flannel's net-conf.json and refuses, before anything on the machine is touched,
// what this main does not do.
func loadNetConf(path string) (*subnet.Config, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("network configuration: %w", err)
	}
	config, err := subnet.ParseConfig(string(text))
	if err != nil {
		return nil, fmt.Errorf("network configuration %s: %w", path, err)
	}
	if err := checkNetConf(config); err != nil {
		return nil, fmt.Errorf("network configuration %s: %w", path, err)
	}
	return config, nil
}

func checkNetConf(config *subnet.Config) error {
	switch {
	case config.EnableIPv6 || !config.IPv6Network.Empty():
		return fmt.Errorf("IPv6 is not supported yet: leave EnableIPv6 and IPv6Network out")
	case !config.EnableIPv4:
		return fmt.Errorf("EnableIPv4 is false, but only IPv4 is supported: leave it out")
	case config.Network.Empty():
		return fmt.Errorf(`no Network, the range of all pods: "Network": "10.244.0.0/16"`)
	}
	switch config.BackendType {
	case "vxlan", "host-gw":
		return nil
	}
	return fmt.Errorf(`Backend Type is %q: choose "vxlan" or "host-gw"`, config.BackendType)
}
