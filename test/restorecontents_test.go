//go:build torture

package test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/utils/ptr"
)

// inhabit puts a workload on the worker, and objects that will be looked for.
func (c *cluster) inhabit() {
	t, client, ctx := c.t, c.client(), context.Background()
	_, err := client.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: restored}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 30 {
		meta := metav1.ObjectMeta{Name: fmt.Sprintf("one-%d", i)}
		if _, err := client.CoreV1().ConfigMaps(restored).Create(ctx, &corev1.ConfigMap{ObjectMeta: meta, Data: map[string]string{"is": fmt.Sprint(i)}}, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		if _, err := client.CoreV1().Secrets(restored).Create(ctx, &corev1.Secret{ObjectMeta: meta, StringData: map[string]string{"is": fmt.Sprint(i)}}, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	c.deploy("web")
}

// deploy runs three pods on the worker and waits for them.
func (c *cluster) deploy(name string) {
	t, client, ctx := c.t, c.client(), context.Background()
	labels := map[string]string{"app": name}
	_, err := client.AppsV1().Deployments(restored).Create(ctx, &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: appsv1.DeploymentSpec{Replicas: ptr.To(int32(3)), Selector: &metav1.LabelSelector{MatchLabels: labels}, Template: corev1.PodTemplateSpec{
			ObjectMeta: metav1.ObjectMeta{Labels: labels},
			Spec: corev1.PodSpec{
				Containers:   []corev1.Container{{Name: name, Image: "slipway.local/pause:v1.0.0", ImagePullPolicy: corev1.PullNever}},
				NodeSelector: map[string]string{"node-role.kubernetes.io/worker": ""},
			},
		}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, 2*time.Minute, "deployment "+name, func() error {
		d, err := client.AppsV1().Deployments(restored).Get(ctx, name, metav1.GetOptions{})
		if err == nil && d.Status.ReadyReplicas != 3 {
			err = fmt.Errorf("%d ready", d.Status.ReadyReplicas)
		}
		return err
	})
}

// spoil changes, deletes and adds what a restore must bring back or take away.
func (c *cluster) spoil() {
	t, client, ctx := c.t, c.client(), context.Background()
	changed := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "one-3"}, Data: map[string]string{"is": "spoiled"}}
	if _, err := client.CoreV1().ConfigMaps(restored).Update(ctx, changed, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := client.CoreV1().Secrets(restored).Delete(ctx, "one-4", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	added := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "later-" + strconv.Itoa(rand.IntN(1e9))}}
	if _, err := client.CoreV1().ConfigMaps(restored).Create(ctx, added, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	c.deploy("later")
}

// contents are the objects, by kind and name, with their data and uid.
func (c *cluster) contents() map[string]string {
	t, client, ctx := c.t, c.client(), context.Background()
	out := map[string]string{}
	configs, err := client.CoreV1().ConfigMaps(restored).List(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range configs.Items {
		out["ConfigMap "+o.Name] = string(o.UID) + fmt.Sprint(o.Data)
	}
	secrets, err := client.CoreV1().Secrets(restored).List(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range secrets.Items {
		out["Secret "+o.Name] = string(o.UID) + fmt.Sprint(o.Data)
	}
	return out
}

// same compares the ConfigMaps and, where they are there, the Secrets.
func same(want, got map[string]string) error {
	for key := range got {
		if got[key] != want[key] {
			return fmt.Errorf("%s is %q, want %q", key, got[key], want[key])
		}
	}
	for key := range want {
		if _, there := got[key]; !there && strings.HasPrefix(key, "ConfigMap ") {
			return fmt.Errorf("%s is not there", key)
		}
	}
	return nil
}

// running are the containers on the worker, as its containerd tells: when they started. Pods of DaemonSets are left out, since an
// endpoint or image that changed replaces them.
func (c *cluster) running() map[string]string {
	c.t.Helper()
	out := map[string]string{}
	pods, err := c.client().CoreV1().Pods(restored).List(context.Background(), metav1.ListOptions{})
	if err != nil {
		c.t.Fatal(err)
	}
	for _, p := range pods.Items {
		for _, s := range p.Status.ContainerStatuses {
			if s.State.Running != nil {
				_, id, _ := strings.Cut(s.ContainerID, "://")
				out[p.Name] = id + " since " + s.State.Running.StartedAt.UTC().Format(time.RFC3339)
			}
		}
	}
	return out
}

// informed keeps an informer over the ConfigMaps, and tells what it knows.
func (c *cluster) informed() func() map[string]string {
	config := c.config()
	config.Timeout = 0
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		c.t.Fatal(err)
	}
	list := &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			return client.CoreV1().ConfigMaps(restored).List(ctx, o)
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			return client.CoreV1().ConfigMaps(restored).Watch(ctx, o)
		},
	}
	informer := cache.NewSharedIndexInformer(list, &corev1.ConfigMap{}, 0, cache.Indexers{})
	stop := make(chan struct{})
	c.t.Cleanup(func() { close(stop) })
	go informer.Run(stop)
	eventually(c.t, time.Minute, "the informer", func() error {
		if !informer.HasSynced() {
			return fmt.Errorf("not synced")
		}
		return nil
	})
	return func() map[string]string {
		out := map[string]string{}
		for _, o := range informer.GetStore().List() {
			if m, ok := o.(*corev1.ConfigMap); ok {
				out["ConfigMap "+m.Name] = string(m.UID) + fmt.Sprint(m.Data)
			}
		}
		return out
	}
}

func (c *cluster) revision() int64 {
	c.t.Helper()
	list, err := c.client().CoreV1().ConfigMaps(restored).List(context.Background(), metav1.ListOptions{Limit: 1})
	if err != nil {
		c.t.Fatal(err)
	}
	revision, err := strconv.ParseInt(list.ResourceVersion, 10, 64)
	if err != nil {
		c.t.Fatal(err)
	}
	return revision
}

// expired wants that nobody can go on watching from before, and that revisions are far ahead.
func (c *cluster) expired(before int64) {
	c.t.Helper()
	if now := c.revision(); now < before+1e9 {
		c.t.Errorf("the revision was %d and is %d", before, now)
	}
	w, err := c.client().CoreV1().ConfigMaps(restored).Watch(context.Background(), metav1.ListOptions{ResourceVersion: fmt.Sprint(before)})
	if err == nil {
		defer w.Stop()
		e := <-w.ResultChan()
		err = apierrors.FromObject(e.Object)
	}
	if !apierrors.IsResourceExpired(err) && !apierrors.IsGone(err) {
		c.t.Errorf("a watch from before goes on: %v", err)
	}
}

// restoredTo wants all as it was archived: data, pods that never stopped, nothing more to do, and a healthy cluster.
func (c *cluster) restoredTo(archived, pods map[string]string, file string, nodes ...string) {
	t := c.t
	t.Helper()
	if now := c.contents(); !maps.Equal(archived, now) {
		t.Errorf("the data is not what was archived: %v\nnow  %d\nthen %d", same(archived, now), len(now), len(archived))
	}
	eventually(t, 2*time.Minute, "pods of the archive alone", func() error {
		if now := c.running(); !maps.Equal(pods, now) {
			return fmt.Errorf("now %v, then %v", now, pods)
		}
		return nil
	})
	c.becomesReady(nodes...)
	c.want(0, "plan", "-f", file)
	c.becomesHealthy(file)
}
