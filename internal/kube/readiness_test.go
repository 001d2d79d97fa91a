package kube

import (
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"
)

func TestPodTrouble(t *testing.T) {
	ready := []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionTrue}, {Type: corev1.PodReady, Status: corev1.ConditionTrue}}
	waiting := func(reason, message string) []corev1.ContainerStatus {
		return []corev1.ContainerStatus{{Ready: true}, {State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message}}}}
	}
	now := metav1.NewTime(time.Unix(1, 0))
	owned := func(kind string, phase corev1.PodPhase) corev1.Pod {
		yes := true
		return corev1.Pod{ObjectMeta: metav1.ObjectMeta{OwnerReferences: []metav1.OwnerReference{{Kind: kind, Controller: &yes}}}, Status: corev1.PodStatus{Phase: phase}}
	}
	for name, test := range map[string]struct {
		pod  corev1.Pod
		want string
	}{
		"ready":        {corev1.Pod{Status: corev1.PodStatus{Phase: corev1.PodRunning, Conditions: ready}}, ""},
		"done":         {corev1.Pod{Status: corev1.PodStatus{Phase: corev1.PodSucceeded}}, ""},
		"on its way":   {corev1.Pod{ObjectMeta: metav1.ObjectMeta{DeletionTimestamp: &now}, Status: corev1.PodStatus{ContainerStatuses: waiting("CrashLoopBackOff", "")}}, ""},
		"fresh":        {corev1.Pod{Status: corev1.PodStatus{Phase: corev1.PodPending}}, "not ready"},
		"failed":       {corev1.Pod{Status: corev1.PodStatus{Phase: corev1.PodFailed}}, "not ready"},
		"not yet":      {corev1.Pod{Status: corev1.PodStatus{Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionFalse}}}}, "not ready"},
		"no image":     {corev1.Pod{Status: corev1.PodStatus{ContainerStatuses: waiting("ErrImageNeverPull", "not present")}}, "ErrImageNeverPull not present"},
		"being made":   {corev1.Pod{Status: corev1.PodStatus{ContainerStatuses: waiting("ContainerCreating", "")}}, "ContainerCreating"},
		"in a loop":    {corev1.Pod{Status: corev1.PodStatus{Conditions: ready, ContainerStatuses: waiting("CrashLoopBackOff", "back-off 10s")}}, "CrashLoopBackOff back-off 10s"},
		"no condition": {corev1.Pod{}, "not ready"},
		"no node": {corev1.Pod{Status: corev1.PodStatus{Conditions: []corev1.PodCondition{{
			Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Message: "0/1 nodes are available: 1 node(s) had untolerated taint {node.kubernetes.io/disk-pressure: }.",
		}}}}, "not scheduled: 0/1 nodes are available: 1 node(s) had untolerated taint {node.kubernetes.io/disk-pressure: }."},

		"evicted, a Deployment's": {owned("ReplicaSet", corev1.PodFailed), ""},
		"evicted, a DaemonSet's":  {owned("DaemonSet", corev1.PodFailed), ""},
		"a failed Job's":          {owned("Job", corev1.PodFailed), ""},
		"a Job's that begins":     {owned("Job", corev1.PodPending), ""},
		"a Deployment's to be":    {owned("ReplicaSet", corev1.PodPending), "not ready"},
		"a failed static one":     {owned("Node", corev1.PodFailed), "not ready"},
	} {
		if got := podTrouble(&test.pod); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

func TestDaemonReady(t *testing.T) {
	for name, test := range map[string]struct {
		generation int64
		status     appsv1.DaemonSetStatus
		want       bool
	}{
		"ready":            {2, appsv1.DaemonSetStatus{ObservedGeneration: 2, DesiredNumberScheduled: 3, UpdatedNumberScheduled: 3, NumberReady: 3}, true},
		"not seen":         {2, appsv1.DaemonSetStatus{ObservedGeneration: 1, DesiredNumberScheduled: 3, UpdatedNumberScheduled: 3, NumberReady: 3}, false},
		"rolling":          {2, appsv1.DaemonSetStatus{ObservedGeneration: 2, DesiredNumberScheduled: 3, UpdatedNumberScheduled: 1, NumberReady: 3}, false},
		"one is missing":   {2, appsv1.DaemonSetStatus{ObservedGeneration: 2, DesiredNumberScheduled: 3, UpdatedNumberScheduled: 3, NumberReady: 2}, false},
		"nowhere to be as": {1, appsv1.DaemonSetStatus{ObservedGeneration: 1}, false},
	} {
		d := &appsv1.DaemonSet{ObjectMeta: metav1.ObjectMeta{Generation: test.generation}, Status: test.status}
		if got := daemonReady(d); got != test.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

func TestNotReady(t *testing.T) {
	with := func(s corev1.ConditionStatus) *corev1.Node {
		return &corev1.Node{Status: corev1.NodeStatus{Conditions: []corev1.NodeCondition{
			{Type: corev1.NodeDiskPressure, Status: corev1.ConditionTrue}, {Type: corev1.NodeReady, Status: s, Message: "why"},
		}}}
	}
	for want, n := range map[string]*corev1.Node{"": with(corev1.ConditionTrue), "why": with(corev1.ConditionUnknown), "no Ready condition yet": {}} {
		if got := NotReady(n); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	silent := with(corev1.ConditionUnknown)
	silent.Status.Conditions[1].Message = ""
	if got := NotReady(silent); got != "Ready is Unknown" {
		t.Errorf("without a message: %q", got)
	}
}

func TestInfo(t *testing.T) {
	n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "w-1"}, Spec: corev1.NodeSpec{Unschedulable: true}, Status: corev1.NodeStatus{
		Addresses: []corev1.NodeAddress{{Type: corev1.NodeHostName, Address: "w-1"}, {Type: corev1.NodeInternalIP, Address: "10.0.0.21"}},
		Conditions: []corev1.NodeCondition{
			{Type: corev1.NodeDiskPressure, Status: corev1.ConditionTrue}, {Type: corev1.NodePIDPressure, Status: corev1.ConditionFalse},
			{Type: corev1.NodeMemoryPressure, Status: corev1.ConditionUnknown}, {Type: corev1.NodeReady, Status: corev1.ConditionTrue},
		},
		NodeInfo: corev1.NodeSystemInfo{KubeletVersion: "v1.36.3", ContainerRuntimeVersion: "containerd://2.4.2", OSImage: "Debian", KernelVersion: "6.1"},
	}}
	got := info(n, 7)
	if got.Address != "10.0.0.21" || got.Version != "1.36.3" || got.Runtime != "containerd 2.4.2" || got.Pods != 7 || !got.Cordoned || got.NotReady != "" ||
		len(got.Conditions) != 2 || got.Conditions[0] != "DiskPressure" || got.Conditions[1] != "MemoryPressure" {
		t.Errorf("%+v", got)
	}
}

// TestFew leaves the caller's list as it is.
func TestFew(t *testing.T) {
	for _, test := range []struct {
		count int
		want  string
	}{{0, ""}, {1, "a"}, {3, "a; b; c"}, {4, "a; b; c; and 1 more"}, {6, "a; b; c; and 3 more"}} {
		all := []string{"a", "b", "c", "d", "e", "f"}
		if got := few(all[:test.count]); got != test.want {
			t.Errorf("%d: %q, want %q", test.count, got, test.want)
		}
		if all[3] != "d" {
			t.Errorf("%d: the list became %v", test.count, all)
		}
	}
}

// TestSystemReady: leftovers of the past keep nothing waiting, and do not stand in for what a controller lacks.
func TestSystemReady(t *testing.T) {
	yes, replicas := true, int32(2)
	evicted := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "kube-system", Name: "coredns-1", OwnerReferences: []metav1.OwnerReference{{Kind: "ReplicaSet", Controller: &yes}}},
		Status:     corev1.PodStatus{Phase: corev1.PodFailed, Reason: "Evicted"},
	}
	deployment := func(ready int32) *appsv1.Deployment {
		return &appsv1.Deployment{
			ObjectMeta: metav1.ObjectMeta{Namespace: "kube-system", Name: "coredns"}, Spec: appsv1.DeploymentSpec{Replicas: &replicas},
			Status: appsv1.DeploymentStatus{UpdatedReplicas: 2, ReadyReplicas: ready},
		}
	}
	if err := (&Client{Typed: fake.NewClientset(evicted, deployment(2))}).SystemReady(t.Context()); err != nil {
		t.Errorf("an evicted pod that was replaced: %v", err)
	}
	err := (&Client{Typed: fake.NewClientset(evicted, deployment(1))}).SystemReady(t.Context())
	if err == nil || err.Error() != "kube-system: Deployment coredns: 1 of 2 ready" {
		t.Errorf("one that was not: %v", err)
	}
}

// TestSystemReadyOn: pods of other nodes, which may be dead, keep nothing waiting.
func TestSystemReadyOn(t *testing.T) {
	pod := func(node string) *corev1.Pod {
		return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "kube-system", Name: "kube-proxy-" + node}, Spec: corev1.PodSpec{NodeName: node}}
	}
	ready := pod("cp-1")
	ready.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
	client := &Client{Typed: fake.NewClientset(ready, pod("w-1"))}
	if err := client.SystemReadyOn(t.Context(), "cp-1"); err != nil {
		t.Error(err)
	}
	if err := client.SystemReadyOn(t.Context(), "w-1"); err == nil || err.Error() != "kube-system: pod kube-proxy-w-1: not ready" {
		t.Error(err)
	}
}

func TestTheAnswerOfReadyzIsToldByWhatFails(t *testing.T) {
	said := "[+]ping ok\n[+]etcd ok\n[-]poststarthook/rbac/bootstrap-roles failed: reason withheld\n[-]autoregister-completion failed: reason withheld\nreadyz check failed\n"
	if got := few(failingChecks(said)); got != "rbac/bootstrap-roles; autoregister-completion" {
		t.Errorf("got %q", got)
	}
	if got := failingChecks("Unauthorized"); len(got) > 0 {
		t.Errorf("got %q", got)
	}
}
