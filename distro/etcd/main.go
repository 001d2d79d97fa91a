// Command etcd is etcd, etcdctl and etcdutl in one file, unmodified. It is etcdctl or etcdutl when
// called by that name (a symlink) or with that name as its first argument, and else the server.
// One binary holds the three in about half the space of three.
package main

import (
	"os"
	"path/filepath"

	"go.etcd.io/etcd/etcdctl/v3/ctlv3"
	"go.etcd.io/etcd/server/v3/etcdmain"
)

func main() {
	name, args := choose(os.Args)
	os.Args = args // cobra reads os.Args itself
	switch name {
	case "etcdctl":
		ctlv3.MustStart()
	case "etcdutl":
		runEtcdutl()
	default:
		etcdmain.Main(args)
	}
}

// choose returns the program that args ask for, and the arguments it shall see, its own name first.
// The server never takes a first argument of these names: its subcommands are gateway and grpc-proxy.
func choose(args []string) (name string, rest []string) {
	for i := 0; i < len(args) && i < 2; i++ {
		switch name = filepath.Base(args[i]); name {
		case "etcdctl", "etcdutl":
			return name, args[i:]
		}
	}
	return "etcd", args
}
