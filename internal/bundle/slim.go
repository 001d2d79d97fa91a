package bundle

import "path"

// slim says which files of unpacked Debian packages an image does without: what serves installing,
// reading or other programs, and what the container runtime or the machine brings itself.
func slim(name string) bool {
	if ok, _ := path.Match("usr/share/doc/*/copyright", name); ok {
		return false // licences ask to travel along
	}
	for ; name != "."; name = path.Dir(name) {
		for _, pattern := range []string{
			"dev", "proc", "sys", "boot", "home", "media", "mnt", "opt", "root", "srv",
			"etc/apt", "etc/hostname", "etc/hosts", "etc/resolv.conf", "etc/machine-id", "etc/fstab",
			"etc/alternatives", "etc/cron.*", "etc/default", "etc/dpkg", "etc/init.d", "etc/logrotate.d",
			"etc/pam.d", "etc/rc?.d", "etc/rsyslog.d", "etc/security", "etc/systemd",
			"lib/systemd", "lib/udev", "usr/lib/systemd", "usr/lib/udev", "usr/lib/dpkg", "usr/lib/usrmerge",
			"usr/games", "usr/include", "usr/local", "usr/src", "usr/share",
			"var/backups", "var/cache", "var/lib/apt", "var/lib/dpkg", "var/lib/pam", "var/local", "var/log",
			"var/mail", "var/opt", "var/spool",
			// Perl runs maintainer scripts (its library stays: keepalived is linked to it); gconv converts
			// character sets. Together 60 MB.
			"usr/bin/perl*", "usr/lib/*/perl", "usr/lib/*/perl5", "usr/lib/*/perl-base",
			"usr/lib/*/gconv",
		} {
			if ok, _ := path.Match(pattern, name); ok {
				return true
			}
		}
	}
	return false
}
