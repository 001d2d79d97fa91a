#!/bin/bash
# Runs a command with a libvirt of its own: in namespaces of its own for processes, network and mounts, so that nothing of
# it is left when the command ends, however it ends, and nothing of it reaches any network.
#
#   test/vm/libvirt.sh BOX COMMAND…      disks and libvirt's files lie beside the box, and are gone after the command
set -euo pipefail

if [ "${1:-}" != --inside ]; then
	[ $# -ge 2 ] || { sed -n 2,5p "$0"; exit 3; }
	box=$(realpath "$1")
	dir=$(dirname "$box")/libvirt
	exec 9>"$dir.lock"
	flock --nonblock 9 || { echo "$dir is in use by another run" >&2; exit 1; }
	rm -rf "$dir"
	mkdir "$dir"
	child=
	trap '[ -z "$child" ] || kill -KILL "$child" 2>/dev/null || true; rm -rf "$dir"' EXIT
	trap 'exit 1' INT TERM HUP
	setpriv --pdeathsig KILL unshare --mount --net --pid --fork --kill-child --mount-proc \
		"$0" --inside "$dir" "$box" "${@:2}" <&0 9>&- &
	child=$!
	code=0
	wait "$child" || code=$?
	child=
	exit $code
fi
dir=$2 box=$3
shift 3

# What libvirt keeps in fixed places lies in DIR instead.
for place in /run/libvirt /var/lib/libvirt /var/cache/libvirt /var/log/libvirt /etc/libvirt; do
	mkdir -p "$dir$place" "$place"
	mount --bind "$dir$place" "$place"
done
mount -t tmpfs tmpfs /run/libvirt
mkdir -p /etc/libvirt/qemu/networks /var/lib/libvirt/images
cat >/etc/libvirt/qemu.conf <<-CONF
	user = "root"
	group = "root"
	security_driver = "none"
	cgroup_controllers = []
	namespaces = []
	stdio_handler = "file"
CONF
cat >/etc/libvirt/libvirtd.conf <<-CONF
	auth_unix_rw = "none"
CONF

ip link set lo up
libvirtd --config /etc/libvirt/libvirtd.conf >"$dir/libvirtd.log" 2>&1 &
for _ in $(seq 150); do
	[ -S /run/libvirt/libvirt-sock ] && break
	sleep 0.2
done
[ -S /run/libvirt/libvirt-sock ] || { echo "libvirtd does not answer:" >&2; tail "$dir/libvirtd.log" >&2; exit 1; }

# Vagrant's own files lie there, too; it asks no network about new versions.
export VAGRANT_HOME=$dir/vagrant.d VAGRANT_DOTFILE_PATH=$dir/vagrant VAGRANT_CHECKPOINT_DISABLE=1
export VAGRANT_DEFAULT_PROVIDER=libvirt SLIPWAY_DRIVER=qemu SLIPWAY_BOX=slipway/bookworm
export LIBVIRT_DEFAULT_URI=qemu:///system
vagrant box add --name slipway/bookworm "$box" >"$dir/box.log" || { cat "$dir/box.log" >&2; exit 1; }
"$@" # the namespace's first process ends with it, and so does everything in the namespace
