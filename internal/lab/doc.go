// Package lab makes machines for tests, demos and users on one Linux machine: systemd-nspawn
// containers that boot a real systemd and a real sshd, each with a disk, a network interface, a
// machine-id and SSH host key of its own, joined by one bridge. The bridge's address is the
// operator's side; nothing is forwarded from there to the outside world.
//
// A lab lives in one folder. Everything else that it makes on the host (bridge, veth pairs, network
// namespaces, cgroups, mounts, processes) has a name derived from the lab's, so that Down finds it
// even after Up was killed half way. A machine is weaker than a real one in three ways: it shares
// the kernel, and with it the clock, kernel.* and vm.* sysctls and loaded modules; power loss does
// not lose what the kernel holds in its page cache; and all machines share one disk's free space.
package lab
