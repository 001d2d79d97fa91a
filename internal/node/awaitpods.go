//go:build linux

package node

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

const (
	// The kubelet gives each sandbox its pod's annotations, with where the pod came from.
	// https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/kubelet/types/pod_update.go
	configSource, fromFile = "kubernetes.io/config.source", "file"
	awaitInterval          = 200 * time.Millisecond
)

// Await waits until the static pods run as a wants them and in no other form, and all their containers with them. It
// ends with what is missing when a's patience does.
func (m Machine) Await(ctx context.Context, a Await) error {
	c, err := m.dialContainerd()
	if err != nil {
		return err
	}
	defer c.close()
	ctx, cancel := context.WithTimeout(ctx, a.Patience)
	defer cancel()
	var missing error
	err = wait.PollUntilContextCancel(ctx, awaitInterval, true, func(ctx context.Context) (bool, error) {
		missing = c.podsMissing(ctx, a)
		return missing == nil, nil
	})
	if missing != nil {
		return missing
	}
	return err
}

// podsMissing says which of the pods do not run as wanted.
func (c containerd) podsMissing(ctx context.Context, a Await) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	cri := runtimeapi.NewRuntimeServiceClient(c.conn)
	sandboxes, err := cri.ListPodSandbox(ctx, &runtimeapi.ListPodSandboxRequest{Filter: &runtimeapi.PodSandboxFilter{
		State: &runtimeapi.PodSandboxStateValue{State: runtimeapi.PodSandboxState_SANDBOX_READY},
	}})
	if err != nil {
		return fmt.Errorf("ask containerd for its pods: %w", err)
	}
	running, err := cri.ListContainers(ctx, &runtimeapi.ListContainersRequest{Filter: &runtimeapi.ContainerFilter{
		State: &runtimeapi.ContainerStateValue{State: runtimeapi.ContainerState_CONTAINER_RUNNING},
	}})
	if err != nil {
		return fmt.Errorf("ask containerd for its containers: %w", err)
	}
	works := map[string]bool{} // by sandbox
	for _, container := range running.Containers {
		works[container.PodSandboxId] = true
	}
	now, old := map[string]bool{}, map[string]bool{}
	for _, s := range sandboxes.Items {
		if s.Annotations[configSource] != fromFile {
			continue
		}
		name := a.named(s.GetMetadata().GetName())
		switch wanted, there := a.Pods[name]; {
		case !there:
		case s.Annotations[a.Annotation] != wanted:
			old[name] = true
		case works[s.Id]:
			now[name] = true
		}
	}
	var reasons []error
	for _, name := range slices.Sorted(maps.Keys(a.Pods)) {
		switch {
		case old[name]:
			reasons = append(reasons, fmt.Errorf("static pod %s still runs as it did before", name))
		case !now[name]:
			reasons = append(reasons, fmt.Errorf("static pod %s does not run", name))
		}
	}
	return errors.Join(reasons...)
}

// named is the pod's name in its file: the kubelet adds the node's.
func (a Await) named(sandbox string) string {
	found := ""
	for name := range a.Pods {
		if strings.HasPrefix(sandbox, name+"-") && len(name) > len(found) {
			found = name
		}
	}
	return found
}
