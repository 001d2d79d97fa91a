#!/bin/sh
# Runs in a lab machine; tries what containerd, the kubelet and kube-proxy will need there.
fail() {
	echo "$1" >&2
	exit 1
}
tmp=$(mktemp -d /var/lib/containerd/.check.XXXXXX) || fail "/var/lib/containerd is not writable"
trap 'umount "$tmp/merged" 2>/dev/null; rm -rf "$tmp"; ip netns delete lab-check 2>/dev/null' EXIT

systemd-run --quiet --wait --collect --property=MemoryMax=64M true ||
	fail "systemd cannot run a unit with a memory limit"

mkdir "$tmp/lower" "$tmp/upper" "$tmp/work" "$tmp/merged"
mount -t overlay overlay -o "lowerdir=$tmp/lower,upperdir=$tmp/upper,workdir=$tmp/work" "$tmp/merged" &&
	echo kept >"$tmp/merged/file" && [ "$(cat "$tmp/upper/file")" = kept ] ||
	fail "overlayfs does not work on /var/lib/containerd"

unshare --mount --uts --ipc --net --pid --fork --mount-proc true ||
	fail "namespaces cannot be made"
ip netns add lab-check && ip link add lab-check0 type veth peer name eth0 netns lab-check ||
	fail "a veth into a network namespace cannot be made"
ip link delete lab-check0

for file in /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/panic; do
	cat "$file" >"$tmp/value" && cat "$tmp/value" >"$file" || fail "$file is not writable"
done
for hierarchy in /sys/fs/cgroup/memory /sys/fs/cgroup/cpuset /sys/fs/cgroup/pids /sys/fs/cgroup/unified /sys/fs/cgroup; do
	mountpoint -q "$hierarchy" && [ "$(stat -f -c %T "$hierarchy")" != tmpfs ] || continue
	mkdir "$hierarchy/lab-check" && rmdir "$hierarchy/lab-check" || fail "$hierarchy is not writable"
done
case "$(findmnt -n -o PROPAGATION /)" in
shared*) ;; # "shared,slave" where the host's own root is shared
*) fail "/ is not a shared mount" ;;
esac
[ -c /dev/kmsg ] || fail "/dev/kmsg is missing"
nft list ruleset >/dev/null || fail "nftables does not work"
