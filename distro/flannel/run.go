package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/flannel-io/flannel/pkg/backend"
	_ "github.com/flannel-io/flannel/pkg/backend/hostgw"
	_ "github.com/flannel-io/flannel/pkg/backend/vxlan"
	"github.com/flannel-io/flannel/pkg/subnet"
	"github.com/flannel-io/flannel/pkg/subnet/kube"
	"golang.org/x/sync/errgroup"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"
)

// annotations on Node objects are upstream's, so that its tools and runbooks find them.
const annotationPrefix = "flannel.alpha.coreos.com"

// run brings the network up and keeps it until ctx ends, which is no error. The order is that of
// upstream's main: https://github.com/flannel-io/flannel/blob/v0.28.10/main.go
func run(ctx context.Context, o options) error {
	config, err := loadNetConf(o.netConf)
	if err != nil {
		return err
	}
	iface, err := externalInterface(o.nodeIP)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	var state health
	if o.healthz != "" {
		serve, err := state.listen(o.healthz)
		if err != nil {
			return err
		}
		group.Go(func() error { return serve(ctx) })
	}
	group.Go(func() error { return connect(ctx, o, config, iface, &state) })
	if err := group.Wait(); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	klog.Info("asked to stop: the network stays as it is")
	return nil
}

// connect joins this node to the network and follows the other nodes until ctx ends.
func connect(ctx context.Context, o options, config *subnet.Config, iface *backend.ExternalInterface, state *health) error {
	leases, err := newLeases(ctx, o)
	if err != nil {
		return err
	}
	driver, err := backend.NewManager(ctx, leases, iface).GetBackend(config.BackendType)
	if err != nil {
		return fmt.Errorf("backend %s: %w", config.BackendType, err)
	}
	var running sync.WaitGroup // the backend's own goroutines
	defer running.Wait()
	network, err := driver.RegisterNetwork(ctx, &running, config)
	if err != nil {
		return fmt.Errorf("join the network as node %s over %s: %w", o.nodeName, iface.IfaceName, err)
	}
	own := network.Lease()
	raise := func() error { return raiseFirewall(ctx, config, readPrevious(o.subnetFile), own) }
	if err := raise(); err != nil {
		return err
	}
	if err := leases.HandleSubnetFile(o.subnetFile, config, true, own.Subnet, own.IPv6Subnet, network.MTU()); err != nil {
		return fmt.Errorf("write %s: %w", o.subnetFile, err)
	}
	if err := writeConflist(o.cniConfDir, newConflist(own.Subnet.String(), network.MTU(), config.EnableNFTables)); err != nil {
		return err
	}
	state.ready.Store(true)
	klog.Infof("pods of node %s have %s, MTU %d, over %s %s", o.nodeName, own.Subnet, network.MTU(), config.BackendType, iface.IfaceName)
	return follow(ctx, leases, network, config.EnableNFTables, raise)
}

// follow handles the comings and goings of other nodes, and keeps the firewall up, until ctx ends.
func follow(ctx context.Context, leases subnet.Manager, network backend.Network, keep bool, raise func() error) error {
	group, ctx := errgroup.WithContext(ctx)
	var none sync.WaitGroup
	group.Go(func() error {
		network.Run(ctx)
		if ctx.Err() == nil {
			return errors.New("the backend stopped by itself")
		}
		return nil
	})
	if keep {
		group.Go(func() error { return keepTables(ctx, raise) })
	}
	group.Go(func() error {
		// Tells the scheduler that the node's network is there. Only clouds ever say it is not.
		if err := leases.CompleteLease(ctx, network.Lease(), &none); err != nil && ctx.Err() == nil {
			klog.Warningf("set the node's condition NetworkUnavailable: %v", err)
		}
		return nil
	})
	return group.Wait()
}

// newLeases connects to the API server, waits for this node's range, and returns flannel's view of
// all nodes' ranges.
func newLeases(ctx context.Context, o options) (subnet.Manager, error) {
	config, err := clientcmd.BuildConfigFromFlags("", o.kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("access to the API server: %w", err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("access to the API server: %w", err)
	}
	if err := awaitPodCIDR(ctx, client, o.nodeName); err != nil {
		return nil, err
	}
	// flannel's constructor takes the node's name from the environment only.
	if err := os.Setenv("NODE_NAME", o.nodeName); err != nil {
		return nil, err
	}
	leases, err := kube.NewSubnetManager(ctx, "", o.kubeconfig, annotationPrefix, o.netConf, true)
	if err != nil {
		return nil, fmt.Errorf("watch the nodes: %w", err)
	}
	return leases, nil
}
