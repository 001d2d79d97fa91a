package spec

import (
	"regexp"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// componentNames are the programs of the control plane that take flags from the file.
func componentNames() []string {
	return []string{"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"}
}

var flagName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]*$`)

// ReservedFlag reports whether a flag of a component is Slipway's own: addresses, files, certificates and ranges, which
// the rest of the cluster goes by, and which have settings of their own where they can be chosen.
func ReservedFlag(component, flag string) bool {
	for _, part := range []string{"-file", "-dir", "-path", "kubeconfig", "-address", "-urls", "-cidr", "-ip-range", "-servers", "-cafile", "-certfile", "-keyfile", "-certificate", "-authority", "-client-key"} {
		if strings.HasSuffix(flag, part) || flag == strings.TrimPrefix(part, "-") {
			return flag != "audit-log-path"
		}
	}
	switch flag {
	case "secure-port", "service-node-port-range", "service-account-issuer", "cluster-name", "allocate-node-cidrs", "cluster-signing-cert-file",
		"requestheader-allowed-names", "encryption-provider-config", "authentication-config", "authorization-mode", "enable-bootstrap-token-auth", "leader-elect",
		"use-service-account-credentials", "name", "initial-cluster", "initial-cluster-state", "initial-cluster-token", "client-cert-auth", "peer-client-cert-auth", "force-new-cluster":
		return true
	case "config":
		return component != "etcd" // which takes it for one of long ago, and ignores it
	}
	return false
}

// readComponents reads the flags that the file adds to those of the control plane's programs, or sets otherwise.
func (d *draft) readComponents(top section) {
	if top.block == nil {
		return
	}
	for _, b := range top.block.all("component") {
		s := section{top.loader, b, top.scope}
		if b.unlabelled() {
			continue
		}
		known := false
		for _, name := range componentNames() {
			known = known || name == b.label
		}
		if !known {
			d.errorf(b.labelRange, "Unknown component", "%q is no part of the control plane that takes flags.%s Those are %s; a kubelet's settings stand in the kubelet block.", b.label, suggest(b.label, componentNames()), anyOf(componentNames()))
			continue
		}
		if _, again := d.Flags[b.label]; again {
			d.errorf(b.labelRange, "Second component block", "There is one for %s already. Merge the two.", b.label)
			continue
		}
		flags, places := map[string]string{}, map[string]hcl.Range{}
		pairs, _ := s.pairs("flags")
		for _, p := range pairs {
			name := strings.TrimPrefix(p.key, "--")
			switch {
			case !flagName.MatchString(name):
				d.errorf(p.at, "Bad flag", "%q is not the name of a flag: expected lower-case letters, digits and -, such as \"v\" or \"feature-gates\".", p.key)
			case ReservedFlag(b.label, name):
				d.errorf(p.at, "Flag of Slipway's own", "The rest of the cluster goes by --%s of %s, so Slipway sets it. Remove it here.", name, b.label)
			case strings.ContainsAny(p.value, "\n\r\x00"):
				d.errorf(p.at, "Bad flag", "The value of --%s is of several lines.", name)
			default:
				flags[name], places[name] = p.value, p.at
			}
		}
		if d.Flags == nil {
			d.Flags, d.Places.Flags = map[string]map[string]string{}, map[string]map[string]hcl.Range{}
		}
		d.Flags[b.label], d.Places.Flags[b.label] = flags, places
	}
}
