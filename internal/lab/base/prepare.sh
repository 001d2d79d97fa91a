#!/bin/sh
# nspawn hands the machine its kernel's interfaces read-only; a machine of its own may write them.
set -eu
mount -o remount,bind,rw /sys
mount -o remount,bind,rw /proc/sys
for hierarchy in /sys/fs/cgroup/*/; do
	if mountpoint -q "$hierarchy"; then
		mount -o remount,bind,rw "$hierarchy"
	fi
done
# The kubelet needs mounts made in pods' volumes to be seen outside of them.
mount --make-rshared /
