#!/bin/sh
# Runs once in the base system's root, after its packages are in.
set -eu

# Networking and time are the lab's affair; udev would probe the host's devices once /sys is
# writable; debugfs and the like are the host's; the timers would fetch from a network that is not there.
for unit in systemd-firstboot.service systemd-networkd.service systemd-networkd.socket \
	systemd-resolved.service systemd-timesyncd.service systemd-udevd.service \
	systemd-udevd-control.socket systemd-udevd-kernel.socket systemd-udev-trigger.service \
	sys-kernel-debug.mount sys-kernel-tracing.mount sys-kernel-config.mount sys-fs-fuse-connections.mount \
	console-getty.service getty.target \
	apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer; do
	ln -sf /dev/null "/etc/systemd/system/$unit"
done
systemctl enable lab-prepare.service ssh.service

mkdir -p /etc/systemd/journald.conf.d /etc/ssh/sshd_config.d
printf '[Journal]\nStorage=volatile\nRuntimeMaxUse=64M\n' >/etc/systemd/journald.conf.d/lab.conf
printf 'HostKey /etc/ssh/ssh_host_ed25519_key\n' >/etc/ssh/sshd_config.d/lab.conf

# Two users for what SSH tools must cope with: sudo with a password, and without.
useradd --create-home --shell /bin/bash --groups sudo ops
useradd --create-home --shell /bin/bash admin
printf 'admin ALL=(ALL:ALL) NOPASSWD: ALL\n' >/etc/sudoers.d/admin
chmod 0440 /etc/sudoers.d/admin

# Each machine gets its own.
rm -f /etc/ssh/ssh_host_* /etc/machine-id /var/lib/dbus/machine-id /etc/hostname /etc/resolv.conf
rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/* /usr/share/doc/* /usr/share/man/*
mkdir -p /var/lib/containerd /var/lib/kubelet /var/lib/etcd
