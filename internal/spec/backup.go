package spec

import (
	"fmt"
	"path"
	"strings"

	"filippo.io/age"
	"filippo.io/age/agessh"
)

// Backup is the backup block: archives that the control planes make by themselves.
type Backup struct {
	Schedule   string   // OnCalendar of systemd's
	Verify     string   // the same, for proofs; "" for none
	Retain     int      // archives kept in each place
	Recipients []string // age1…, or lines of SSH public keys
	Directory  string   // on the control planes, absolute
	S3         *S3      // nil: in the directory only
}

const (
	defaultRetain    = 14
	mostRetain       = 10000
	defaultDirectory = "/var/backups/slipway"
)

func (d *draft) readBackup(s section) {
	if s.block == nil {
		return
	}
	b := &Backup{Retain: defaultRetain, Directory: defaultDirectory}
	d.Backup = b
	b.Schedule, b.Verify = s.schedule("schedule"), s.schedule("verify")
	if n, ok := s.integer("retain", 1, mostRetain, "The number of archives that are kept"); ok {
		b.Retain = n
	}
	items, ok := s.list("recipients")
	if ok && len(items) == 0 {
		d.errorf(s.at("recipients"), "No recipient", "An archive holds the cluster's keys, sealed to its recipients. Name at least one: age1…, made by age-keygen, or a line of an SSH public key.")
	}
	for _, it := range items {
		if problem := checkRecipient(it.value); problem != "" {
			d.errorf(it.at, "Bad recipient", "%s.", problem)
			continue
		}
		b.Recipients = append(b.Recipients, strings.TrimSpace(it.value))
	}
	if dir, ok := s.str("directory"); ok {
		if problem := checkDirectory(dir); problem != "" {
			d.errorf(s.at("directory"), "Bad directory", "%s.", problem)
		}
		b.Directory = path.Clean(dir)
	}
	if s.block.only("s3") != nil {
		b.S3 = d.readS3(s.sub("s3"))
	}
}

// schedule reads an OnCalendar expression; "" where there is none, or a wrong one, which is reported.
func (s section) schedule(name string) string {
	text, ok := s.str(name)
	if !ok {
		return ""
	}
	if err := checkSchedule(text); err != nil {
		s.errorf(s.at(name), "Bad schedule", "%q is no calendar event as systemd takes it (OnCalendar=), such as \"*-*-* 02:00:00\" or \"Sun 04:00\": %s.", text, strings.ReplaceAll(err.Error(), "\n", "; "))
		return ""
	}
	return strings.Join(strings.Fields(text), " ")
}

// checkRecipient is what is wrong with a recipient, by the same libraries as what seals; "" if nothing is.
func checkRecipient(text string) (problem string) {
	text = strings.TrimSpace(text)
	shown := text
	if len(shown) > 24 {
		shown = shown[:24] + "…"
	}
	switch {
	case strings.HasPrefix(text, "AGE-SECRET-KEY-"):
		return "This is an identity, a private key, which does not belong into the file. Give its recipient, the line age1… beside it"
	case strings.ContainsAny(text, "\r\n"):
		return "This is more than one line. Give each recipient as a text of its own"
	case strings.HasPrefix(text, "ssh-"):
		if _, err := agessh.ParseRecipient(text); err != nil {
			return fmt.Sprintf("%q is no SSH key that age seals to, of type ed25519 or RSA: %v", shown, err)
		}
		return ""
	case strings.HasPrefix(text, "age1"):
		if keys, err := age.ParseRecipients(strings.NewReader(text)); err != nil || len(keys) != 1 {
			return fmt.Sprintf("%q is no sound recipient of age", shown)
		}
		return ""
	}
	return fmt.Sprintf("%q is neither age1… nor a line of an SSH public key, ssh-ed25519 … or ssh-rsa …", shown)
}

// checkDirectory is what is wrong with a directory; "" if nothing is. It refuses places where archives would not outlive the cluster, or the machine's next start.
func checkDirectory(dir string) (problem string) {
	switch clean := path.Clean(dir); {
	case !path.IsAbs(dir):
		return fmt.Sprintf("%q is not absolute: it is a directory on the control planes, such as %s", dir, defaultDirectory)
	case clean == "/" || strings.ContainsFunc(dir, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return fmt.Sprintf("%q is no directory for archives: name one such as %s", dir, defaultDirectory)
	default:
		for _, place := range []string{"/dev", "/proc", "/sys", "/run", "/tmp", "/etc/kubernetes", "/etc/cni", "/etc/slipway", "/var/lib/etcd", "/var/lib/kubelet", "/var/lib/containerd", "/var/lib/cni", "/var/lib/slipway"} {
			if clean == place || strings.HasPrefix(clean, place+"/") {
				return fmt.Sprintf("What lies in %s does not outlive the cluster or the machine's next start: name another, such as %s", place, defaultDirectory)
			}
		}
	}
	return ""
}
