// Command flannel gives a node its pod network: it claims the node's pod range, connects it with the
// other nodes' ranges over VXLAN or by plain routes, masquerades what leaves the cluster, and writes
// the CNI configuration that lets pods start. All of that is flannel's own packages; only this main
// is ours, for upstream's needs the module of a cloud backend that no module proxy serves, and
// leaves the CNI configuration to a plugin that is not served either. IPv4 only.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"k8s.io/klog/v2"
)

var version = "unknown" // by the linker

// options are the flags, checked for presence; what they name is checked where it is used.
type options struct {
	netConf    string // flannel's net-conf.json
	nodeName   string
	nodeIP     string // the address by which other nodes reach this one
	cniConfDir string
	subnetFile string
	kubeconfig string // empty: the pod's service account
	healthz    string // address to listen on; empty: none
}

func main() {
	klog.InitFlags(flag.CommandLine)
	o, err := parse(flag.CommandLine, os.Args[1:])
	switch {
	case errors.Is(err, errVersion):
		fmt.Println("flannel", version)
		return
	case errors.Is(err, flag.ErrHelp):
		return
	case err != nil:
		fmt.Fprintln(os.Stderr, "flannel:", err)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "flannel:", err)
		os.Exit(1)
	}
}

var errVersion = errors.New("version asked for")

// parse reads args. flag.ErrHelp and errVersion mean that there is nothing to run.
func parse(flags *flag.FlagSet, args []string) (options, error) {
	var o options
	flags.Init("flannel", flag.ContinueOnError)
	flags.StringVar(&o.netConf, "net-conf", "/etc/kube-flannel/net-conf.json", "`FILE` with the network's configuration, in flannel's format")
	flags.StringVar(&o.nodeName, "node-name", os.Getenv("NODE_NAME"), "`NAME` of this machine's Node object; the environment's NODE_NAME unless given")
	flags.StringVar(&o.nodeIP, "node-ip", "", "`ADDRESS` of this machine by which the other nodes reach it; it chooses the interface")
	flags.StringVar(&o.cniConfDir, "cni-conf-dir", "/etc/cni/net.d", "`DIR` in which the container runtime looks for CNI configuration")
	flags.StringVar(&o.subnetFile, "subnet-file", "/run/flannel/subnet.env", "`FILE` for this node's range, as flannel writes it")
	flags.StringVar(&o.kubeconfig, "kubeconfig", "", "`FILE` to reach the API server with; the pod's service account unless given")
	flags.StringVar(&o.healthz, "healthz", "127.0.0.1:10246", "`ADDRESS:PORT` to serve /healthz and /readyz on; empty for none")
	showVersion := flags.Bool("version", false, "print the version and exit")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	switch {
	case *showVersion:
		return o, errVersion
	case flags.NArg() > 0:
		return o, fmt.Errorf("unexpected argument %q: all is said by flags", flags.Arg(0))
	case o.nodeName == "":
		return o, errors.New("whose network? give --node-name or set NODE_NAME")
	case o.nodeIP == "":
		return o, errors.New("which interface? give --node-ip, this machine's address among the nodes")
	}
	return o, nil
}
