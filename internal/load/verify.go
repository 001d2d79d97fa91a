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

// Verified is what became of all that was acknowledged.
type Verified struct {
	Writes Writes
	Watch  Watch
	Loss   *Loss // nil where the cluster was not brought back from what it was earlier
}

// Verify tells what became of the acknowledged writes and of the watch's events, once Run has returned. It asks client, which need not
// go by the endpoint.
func (a *API) Verify(ctx context.Context, client kubernetes.Interface) Verified {
	all := a.ledger.snapshot()
	out := Verified{Writes: Writes{Acknowledged: len(all.acks), Unknown: all.unknown, Stale: all.stale, Backwards: all.backwards}}
	list, err := client.CoreV1().ConfigMaps(Namespace).List(ctx, metav1.ListOptions{})
	switch {
	case err != nil:
		out.Writes.Unchecked = "list what was written: " + err.Error()
	case all.era == 0:
		out.Writes.Lost = verified(all.entries, list.Items)
	default:
		lost, loss := all.outlived(list.Items, a.rec.Since)
		out.Writes.Lost, out.Loss = append(lost, verified(all.ofEra(), list.Items)...), loss
	}
	if a.watch == nil {
		out.Watch = Watch{Unchecked: "there was no watch"}
		return out
	}
	out.Watch = a.watch.settle(ctx, all.acks)
	return out
}
