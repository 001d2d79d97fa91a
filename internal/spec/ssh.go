package spec

import (
	"net/netip"
	"regexp"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/util/validation"
)

func defaultSSH() SSH { return SSH{User: "root", Port: 22, Timeout: 10 * time.Second} }

// readSSH reads an ssh block over base: the defaults for the cluster's, the cluster's for a node's.
func (d *draft) readSSH(s section, base SSH) SSH {
	out := base
	out.Bastions = slices.Clone(base.Bastions)
	if s.block == nil {
		return out
	}
	if user, ok := s.userName(); ok {
		out.User = user
	}
	if port, ok := s.integer("port", 1, 65535, "A port"); ok {
		out.Port = port
	}
	if path, ok := s.file("private_key", "private key", privateKey); ok {
		out.PrivateKey = path
	}
	if path, ok := s.file("known_hosts", "known_hosts file", knownHosts); ok {
		out.KnownHosts = path
	}
	if path, ok := s.file("sudo_password_file", "sudo password file", passwordFile); ok {
		out.SudoPasswordFile = path
	}
	if timeout, ok := s.duration("timeout", time.Second, 10*time.Minute); ok {
		out.Timeout = timeout
	}
	bastions := s.block.all("bastion")
	if direct, _ := s.boolean("direct"); direct {
		out.Bastions = nil
		if len(bastions) > 0 {
			d.errorf(s.at("direct"), "Direct through a bastion", "direct = true reaches the node without bastions, and this block declares one. Remove either.")
		}
	}
	if len(bastions) > 0 {
		out.Bastions = nil
	}
	for _, b := range bastions {
		out.Bastions = append(out.Bastions, d.readBastion(section{s.loader, b, s.scope}, out))
	}
	return out
}

// readBastion reads one hop; user and key are those of the machines behind it unless it says otherwise.
func (d *draft) readBastion(s section, of SSH) Bastion {
	b := Bastion{Address: s.block.label, Port: 22, User: of.User, PrivateKey: of.PrivateKey}
	if !validHost(b.Address) && !s.block.unlabelled() {
		d.errorf(s.block.labelRange, "Bad bastion address", "%q is neither an IP address nor a DNS name. Port and user are attributes of the block.", b.Address)
	}
	if user, ok := s.userName(); ok {
		b.User = user
	}
	if port, ok := s.integer("port", 1, 65535, "A port"); ok {
		b.Port = port
	}
	if path, ok := s.file("private_key", "private key", privateKey); ok {
		b.PrivateKey = path
	}
	return b
}

func (s section) userName() (string, bool) {
	user, ok := s.str("user")
	if ok && !regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.@-]{0,63}$`).MatchString(user) {
		s.errorf(s.at("user"), "Bad user name", "%q is not the name of a user: expected letters, digits and _ . @ -, such as debian.", user)
		return "", false
	}
	return user, ok
}

// validHost reports whether host can be dialled: an IP address or a DNS name.
func validHost(host string) bool {
	if a, err := netip.ParseAddr(host); err == nil {
		return !a.IsUnspecified() && !a.IsMulticast()
	}
	return !numeric(host) && len(validation.IsDNS1123Subdomain(host)) == 0
}

// checkKnownHosts finds the default known_hosts where none was named.
func (d *draft) checkKnownHosts(s section) {
	if s.has("known_hosts") && d.SSH.KnownHosts == "" {
		return // reported
	}
	const usual = "~/.ssh/known_hosts"
	fallback, err := d.path(usual)
	if err != nil {
		fallback = ""
	}
	at := s.head()
	if s.block == nil {
		at = d.clusterAt
	}
	if d.SSH.KnownHosts == "" {
		d.SSH.KnownHosts = fallback
	}
	needed := len(d.Nodes) == 0
	for i := range d.Nodes {
		if own := &d.Nodes[i].SSH; own.KnownHosts == "" {
			own.KnownHosts, needed = fallback, true
		}
	}
	if !needed || d.opts.NoSSH {
		return
	}
	if err := knownHosts(fallback); err != nil {
		d.errorf(at, "No known_hosts file", "No known_hosts is set in ssh, so %s counts: %s.", usual, err)
	}
}
