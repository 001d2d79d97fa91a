// Command kubeadm is upstream's kubeadm, unmodified, compiled from the modules that kube is compiled
// from. It is in no bundle: the benchmark sets up a cluster with it to compare Slipway with.
package main

import (
	"k8s.io/kubernetes/cmd/kubeadm/app"
	"k8s.io/kubernetes/cmd/kubeadm/app/util/errors"
)

func main() {
	errors.HandleError(app.Run()) // exits with the status that belongs to the error
}
