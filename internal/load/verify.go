package load

import (
	"context"
	"fmt"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// verified compares what was acknowledged with what the API holds at the end.
func verified(entries []entry, there []corev1.ConfigMap) (lost []string) {
	byName := map[string]*corev1.ConfigMap{}
	for i := range there {
		byName[there[i].Name] = &there[i]
	}
	for _, e := range entries {
		got := byName[e.name]
		if got == nil {
			if e.acked > 0 {
				lost = append(lost, fmt.Sprintf("%s: number %d was acknowledged, and it is gone", e.name, e.acked))
			}
			continue
		}
		if wrong := compare(e, got); wrong != "" {
			lost = append(lost, wrong)
		} else if number, _ := strconv.ParseInt(got.Data[numberKey], 10, 64); number > e.attempted { // compare has read it
			lost = append(lost, fmt.Sprintf("%s: number %d was the last that was sent, and it holds %d", e.name, e.attempted, number))
		}
	}
	return lost
}

// Verify tells what became of the acknowledged writes and of the watch's events, once Run has returned. It asks client, which need not
// go by the endpoint.
func (a *API) Verify(ctx context.Context, client kubernetes.Interface) (Writes, Watch) {
	entries, acks, unknown, stale := a.ledger.snapshot()
	w := Writes{Acknowledged: len(acks), Unknown: unknown, Stale: stale}
	list, err := client.CoreV1().ConfigMaps(Namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		w.Unchecked = "list what was written: " + err.Error()
	} else {
		w.Lost = verified(entries, list.Items)
	}
	if a.watch == nil {
		return w, Watch{Unchecked: "there was no watch"}
	}
	return w, a.watch.settle(ctx, acks)
}
