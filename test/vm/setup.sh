#!/bin/sh
# Runs once in the box's root, after its packages are in.
set -eu

printf 'LABEL=root / ext4 errors=remount-ro 0 1\nLABEL=swap none swap sw 0 0\n' >/etc/fstab
printf 'auto lo\niface lo inet loopback\n\nallow-hotplug eth0\niface eth0 inet dhcp\n' >/etc/network/interfaces
printf 'vm\n' >/etc/hostname
printf '127.0.0.1 localhost\n127.0.1.1 vm\n' >/etc/hosts
: >/etc/machine-id # each machine makes its own

# Vagrant logs in as this user with a key that everybody knows, and replaces it at once.
# https://developer.hashicorp.com/vagrant/docs/boxes/base
useradd --create-home --shell /bin/bash vagrant
install -d -m 700 -o vagrant -g vagrant /home/vagrant/.ssh
printf '%s\n' 'ssh-rsa AAAAB3NzaC1yc2EAAAABIwAAAQEA6NF8iallvQVp22WDkTkyrtvp9eWW6A8YVr+kz4TjGYe7gHzIw+niNltGEFHzD8+v1I2YJ6oXevct1YeS0o9HZyN1Q9qgCgzUFtdOKLv6IedplqoPkcmF0aYet2PkEDo3MlTBckFXPITAMzF8dJSIFo9D8HfdOV0IAdx4O7PtixWKn5y2hMNG0zQPyUecp4pzC6kivAIhyfHilFR61RGL+GPXQ2MWZWFYbAGjyiYJnAmCP3NOTd0jMZEnDkbUvxhMmBYSdETk1rRgm+R4LOzFUGaHqHDLKLX+FIPKcF96hrucXzcWyLbIbEgE98OHlnVYCzRdK8jlqm8tehUc9c9WhQ== vagrant insecure public key' \
	>/home/vagrant/.ssh/authorized_keys
chown vagrant: /home/vagrant/.ssh/authorized_keys
chmod 600 /home/vagrant/.ssh/authorized_keys
printf 'vagrant ALL=(ALL:ALL) NOPASSWD: ALL\n' >/etc/sudoers.d/vagrant
chmod 0440 /etc/sudoers.d/vagrant

rm -f /etc/ssh/ssh_host_*
cat >/etc/systemd/system/ssh-keys.service <<'UNIT'
[Unit]
Description=Make this machine's SSH host keys
Before=ssh.service

[Service]
Type=oneshot
ExecStart=/usr/bin/ssh-keygen -A

[Install]
WantedBy=multi-user.target
UNIT
systemctl enable ssh-keys.service ssh.service

# VirtualBox gives the first interface of every machine the same address, and leads the default route through it. libvirt
# does not, so the machines give it to themselves: whatever takes the default route's address for the machine's own fails.
cat >/etc/dhcp/dhclient-exit-hooks.d/same-address <<'HOOK'
case "$reason" in BOUND | RENEW | REBIND | REBOOT)
	ip address replace 10.0.2.15/24 dev "$interface"
	ip route flush default
	ip route add default via 10.0.2.2 dev "$interface" src 10.0.2.15
	;;
esac
HOOK

# Nothing fetches anything by itself.
for unit in apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer; do
	ln -sf /dev/null "/etc/systemd/system/$unit"
done
rm -rf /var/lib/apt/lists/* /var/cache/apt/* /usr/share/doc/* /usr/share/man/*
