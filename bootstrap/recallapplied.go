package bootstrap

import (
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/slipway/slipway/internal/event"
)

// recallApplied fills in what the cluster was made with from the manifests of the first control plane that has
// whole ones. What cannot be read there is told, and stays unknown.
func (r *Run) recallApplied(ctx context.Context) error {
	if found, err := r.dir.Get(appliedFile, new(applied)); err != nil || found {
		return err
	}
	var reasons []string
	for _, m := range r.controlPlanes() {
		files, err := fetch(ctx, m, []string{apiManifest, controllerManifest})
		if err != nil {
			return &NodeError{m.node.Name, err}
		}
		was, err := manifested(files)
		if err == nil {
			return r.dir.Put(appliedFile, was)
		}
		reasons = append(reasons, m.node.Name+": "+err.Error())
	}
	r.Sink.Emit(event.Event{Kind: event.Warning, Message: "the version, ranges and domain that the cluster was made with are not known, so a file that says others is not refused: " + strings.Join(reasons, "; ")})
	return nil
}

// manifested is what a control plane's manifests say of the cluster that they are of.
func manifested(files map[string][]byte) (applied, error) {
	api, err := command(files, apiManifest)
	if err != nil {
		return applied{}, err
	}
	controllers, err := command(files, controllerManifest)
	if err != nil {
		return applied{}, err
	}
	_, version, _ := strings.Cut(api.Image, ":v")
	issuer := option(api, "--service-account-issuer")
	was := applied{
		Kubernetes: version, Pods: option(controllers, "--cluster-cidr"), Services: option(api, "--service-cluster-ip-range"),
		DNS: strings.TrimPrefix(issuer, "https://kubernetes.default.svc."),
	}
	if was.Kubernetes == "" || was.Pods == "" || was.Services == "" || was.DNS == "" {
		return applied{}, fmt.Errorf("%s and %s do not say all of it", apiManifest, controllerManifest)
	}
	return was, nil
}

// command is the one container of the static pod in the file at path.
func command(files map[string][]byte, path string) (corev1.Container, error) {
	text, ok := files[path]
	if !ok {
		return corev1.Container{}, fmt.Errorf("%s is not there", path)
	}
	pod, err := staticPod(path, text)
	if err != nil {
		return corev1.Container{}, err
	}
	if len(pod.Spec.Containers) != 1 {
		return corev1.Container{}, fmt.Errorf("%s has %d containers, not 1", path, len(pod.Spec.Containers))
	}
	return pod.Spec.Containers[0], nil
}

func staticPod(path string, text []byte) (pod corev1.Pod, err error) {
	if err := yaml.Unmarshal(text, &pod); err != nil {
		return pod, fmt.Errorf("%s: %w", path, err)
	}
	return pod, nil
}

// option is the value of --name=value in c's command.
func option(c corev1.Container, name string) string {
	for _, word := range c.Command {
		if value, ok := strings.CutPrefix(word, name+"="); ok {
			return value
		}
	}
	return ""
}
