package host

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
)

// Phase is a step on the way to a usable connection.
type Phase string

// Phases in their order; PhaseLost is any time after them.
const (
	PhaseConnect   Phase = "TCP connect"
	PhaseHandshake Phase = "SSH handshake"
	PhaseAuth      Phase = "SSH authentication"
	PhaseLost      Phase = "SSH connection lost"
)

func (p Phase) remedy() string {
	switch p {
	case PhaseConnect:
		return "check the address and port, that the machine is up, and that no firewall is in between"
	case PhaseHandshake:
		return "check that an SSH server answers on that port and is not refusing new connections (MaxStartups)"
	case PhaseAuth:
		return "check the machine's sshd log"
	default:
		return "check the machine and its network, then run the same command again"
	}
}

// UnreachableError is a machine that cannot be talked to, or not any longer.
type UnreachableError struct {
	Host  string // as in Host.String; a bastion says whose it is
	Phase Phase  // what was waited for
	Err   error
}

func (e *UnreachableError) Error() string {
	return fmt.Sprintf("%s: %s: %v; %s", e.Host, e.Phase, e.Err, e.Phase.remedy())
}

func (e *UnreachableError) Unwrap() error { return e.Err }

// HostKeyError is a machine whose host key known_hosts does not vouch for. No authentication was
// attempted.
type HostKeyError struct {
	Host      string
	Address   string // as known_hosts spells it: "10.0.0.11" or "[10.0.0.11]:2222"
	Type      string // of the presented key: ssh-ed25519
	Known     string // fingerprint on file, "SHA256:…"; "" where the machine is not on file
	Presented string // fingerprint that the machine showed
	File      string // the known_hosts file
	Line      int    // of the entry that Known comes from; 0 where there is none
	Revoked   bool   // the presented key is marked @revoked there
	Err       error  // why a host certificate is refused; nil for plain keys
	Via       []Hop  // bastions on the way, first to last
}

func (e *HostKeyError) Error() string {
	switch {
	case e.Revoked:
		return fmt.Sprintf("%s: host key %s %s is marked @revoked at %s:%d: give the machine a new host key",
			e.Host, e.Type, e.Presented, e.File, e.Line)
	case e.Err != nil:
		return fmt.Sprintf("%s: host certificate of key %s %s is refused by %s (known %s, line %d): %v: "+
			"have it issued anew by an authority listed there",
			e.Host, e.Type, e.Presented, e.File, e.Known, e.Line, e.Err)
	case e.Known != "":
		return fmt.Sprintf("%s: host key has changed: known %s (%s:%d), presented %s %s: "+
			"someone may be in between, or the machine was installed anew; "+
			"if it was, remove line %d of %s (ssh-keygen -f %s -R %s) and add the new key",
			e.Host, e.Known, e.File, e.Line, e.Type, e.Presented, e.Line, e.File, quote(e.File), quote(e.Address))
	default:
		return fmt.Sprintf("%s: host key is unknown: known none (no entry for %s in %s), presented %s %s: "+
			"compare that with `ssh-keygen -lf` of the key in /etc/ssh on the machine, then add it: %s",
			e.Host, e.Address, e.File, e.Type, e.Presented, e.keyscan())
	}
}

func (e *HostKeyError) keyscan() string {
	args := []string{"ssh-keyscan"}
	if n := len(e.Via); n > 0 { // what scans must be able to connect
		last := e.Via[n-1]
		jump := []string{"ssh", "-p", strconv.Itoa(last.Port), last.User + "@" + last.Address}
		if n > 1 {
			var hops []string
			for _, h := range e.Via[:n-1] {
				hops = append(hops, h.User+"@"+name("", h.Address, h.Port))
			}
			jump = slices.Insert(jump, 1, "-J", strings.Join(hops, ","))
		}
		args = append(jump, args...)
	}
	if address, port, err := net.SplitHostPort(e.Address); err == nil {
		args = append(args, "-p", port, address)
	} else {
		args = append(args, e.Address)
	}
	return quoteAll(args...) + " >> " + quote(e.File)
}

// AuthError is a machine that refused every key, or for which there was none to offer.
type AuthError struct {
	Host  string
	User  string
	Tried []string // what was offered, in order: "key /home/a/.ssh/id_ed25519 (ssh-ed25519 SHA256:…)"
	Err   error    // nil: the machine accepted none of Tried
}

func (e *AuthError) Error() string {
	msg := fmt.Sprintf("%s: log in as %s", e.Host, e.User)
	if e.Err != nil {
		msg += ": " + e.Err.Error()
	}
	if len(e.Tried) > 0 {
		msg += ": tried " + strings.Join(e.Tried, ", ") +
			"; add one of these keys to that user's authorized_keys, or name another user or private key"
	}
	return msg
}

func (e *AuthError) Unwrap() error { return e.Err }

// SudoError is a machine whose user cannot become root.
type SudoError struct {
	Host   string
	User   string
	Reason string // what is wrong and how to mend it
	Err    error  // what sudo said
}

func (e *SudoError) Error() string {
	return fmt.Sprintf("%s: become root by sudo as %s: %s (%v)", e.Host, e.User, e.Reason, e.Err)
}

func (e *SudoError) Unwrap() error { return e.Err }

// name is how messages call a machine: "cp-1 (10.0.0.11:22)", or its address alone.
func name(node, address string, port int) string {
	addr := net.JoinHostPort(address, strconv.Itoa(port))
	if node == "" {
		return addr
	}
	return node + " (" + addr + ")"
}
