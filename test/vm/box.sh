#!/bin/bash
# Makes a Vagrant box for libvirt out of Debian's packages alone: a disk that boots by itself, with what a machine from an
# ordinary box has (systemd, cgroup v2, loadable modules, swap, sudo, DHCP on the first interface) and nothing else.
#
#   test/vm/box.sh build/vm/bookworm.box
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
box=$(realpath -m "${1:?name the file to write}")
root_mib=12000 swap_mib=512 boot_mib=128

mkdir -p "$(dirname "$box")"
work=$(mktemp -d -p "$(dirname "$box")" box.XXXXXX)
trap 'rm -rf "$work"' EXIT
cd "$work"

mmdebstrap --quiet --mode=root --variant=apt \
	--include="$(grep -v '^#' "$here/packages.txt" | paste -sd,)" \
	--customize-hook="chroot \"\$1\" /bin/sh -s <'$here/setup.sh'" \
	bookworm root

# One image for each partition, so that no loop device is needed; then all of them behind a partition table.
truncate -s ${boot_mib}M boot.img
mkfs.vfat -n BOOT boot.img >/dev/null
syslinux --install boot.img
mcopy -i boot.img root/boot/vmlinuz-* ::vmlinuz
mcopy -i boot.img root/boot/initrd.img-* ::initrd.img
mcopy -i boot.img "$here/syslinux.cfg" ::syslinux.cfg
truncate -s ${swap_mib}M swap.img
mkswap -L swap swap.img >/dev/null
truncate -s ${root_mib}M root.img
mke2fs -q -t ext4 -L root -d root root.img

truncate -s $((root_mib + swap_mib + boot_mib + 2))M disk.img
sfdisk --quiet disk.img <<-TABLE
	label: dos
	start=1MiB, size=${boot_mib}MiB, type=c, bootable
	size=${swap_mib}MiB, type=82
	size=${root_mib}MiB, type=83
TABLE
at=1
for part in boot:$boot_mib swap:$swap_mib root:$root_mib; do
	dd if="${part%:*}.img" of=disk.img bs=1M seek=$at conv=notrunc,sparse status=none
	at=$((at + ${part#*:}))
done
dd if=/usr/lib/SYSLINUX/mbr.bin of=disk.img conv=notrunc status=none

qemu-img convert -f raw -O qcow2 disk.img box.img
printf '{"provider": "libvirt", "format": "qcow2", "virtual_size": %d}\n' $(((root_mib + 1023) / 1024 + 1)) >metadata.json
tar -cf - metadata.json box.img | gzip -1 >"$box.new"
mv "$box.new" "$box"
