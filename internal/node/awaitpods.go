//go:build linux

package node

import (
	"context"
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
// ends when they do, or a's patience is over.
func (m Machine) Await(ctx context.Context, a Await) (Awaited, error) {
	c, err := m.dialContainerd()
	if err != nil {
		return Awaited{}, err
	}
	defer c.close()
	within, cancel := context.WithTimeout(ctx, a.Patience)
	defer cancel()
	var found Awaited
	err = wait.PollUntilContextCancel(within, awaitInterval, true, func(context.Context) (done bool, err error) {
		found, err = c.podsMissing(ctx, a)
		return len(found.Missing) == 0, err
	})
	if err != nil && within.Err() != nil && ctx.Err() == nil {
		err = nil // patience is over: what is missing says it
	}
	return found, err
}

// podsMissing says which of the pods do not run as wanted.
func (c containerd) podsMissing(ctx context.Context, a Await) (found Awaited, err error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	cri := runtimeapi.NewRuntimeServiceClient(c.conn)
	sandboxes, err := cri.ListPodSandbox(ctx, &runtimeapi.ListPodSandboxRequest{Filter: &runtimeapi.PodSandboxFilter{
		State: &runtimeapi.PodSandboxStateValue{State: runtimeapi.PodSandboxState_SANDBOX_READY},
	}})
	if err != nil {
		return found, fmt.Errorf("ask containerd for its pods: %w", err)
	}
	containers, err := cri.ListContainers(ctx, &runtimeapi.ListContainersRequest{})
	if err != nil {
		return found, fmt.Errorf("ask containerd for its containers: %w", err)
	}
	latest := map[string]*runtimeapi.Container{} // by sandbox
	for _, container := range containers.Containers {
		if was := latest[container.PodSandboxId]; was == nil || was.CreatedAt < container.CreatedAt {
			latest[container.PodSandboxId] = container
		}
	}
	now, old, ended := map[string]bool{}, map[string]bool{}, map[string]*runtimeapi.Container{}
	for _, s := range sandboxes.Items {
		if s.Annotations[configSource] != fromFile {
			continue
		}
		name, container := a.named(s.GetMetadata().GetName()), latest[s.Id]
		switch wanted, there := a.Pods[name]; {
		case !there:
		case s.Annotations[a.Annotation] != wanted:
			old[name] = true
		case container.GetState() == runtimeapi.ContainerState_CONTAINER_RUNNING && container != nil:
			now[name] = true
		case container.GetState() == runtimeapi.ContainerState_CONTAINER_EXITED:
			ended[name] = container
		}
	}
	for _, name := range slices.Sorted(maps.Keys(a.Pods)) {
		switch {
		case old[name]:
			found.Missing = append(found.Missing, fmt.Sprintf("static pod %s still runs as it did before", name))
		case now[name]:
		case ended[name] != nil:
			crashes := int(ended[name].GetMetadata().GetAttempt()) + 1
			found.Crashes = max(found.Crashes, crashes)
			found.Missing = append(found.Missing, fmt.Sprintf("static pod %s does not run: %s", name, lastWords(ctx, cri, ended[name].Id, crashes)))
		default:
			found.Missing = append(found.Missing, fmt.Sprintf("static pod %s does not run", name))
		}
	}
	return found, nil
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
