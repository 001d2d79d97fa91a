package load

import (
	"fmt"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// ofEra are the entries whose last write was acknowledged in this era, or that never had one.
func (a *account) ofEra() (out []entry) {
	for _, e := range a.entries {
		if e.era == a.era {
			out = append(out, e)
		}
	}
	return out
}

// outlived compares what was acknowledged in eras before with what is there: what was acknowledged until kept and is not there is lost,
// and what came later is the price of bringing the cluster back. That is taken out of acks: nobody can see it any more.
func (a *account) outlived(there []corev1.ConfigMap, since func(time.Time) float64) (lost []string, loss *Loss) {
	holds := map[string]*corev1.ConfigMap{}
	for i := range there {
		holds[there[i].Name] = &there[i]
	}
	loss = &Loss{Before: a.before, After: a.after}
	var first time.Time
	for _, e := range a.entries {
		if e.era == a.era || e.acked == 0 {
			continue
		}
		number, wrong := held(e, holds[e.name])
		if wrong != "" {
			lost = append(lost, wrong)
			continue
		}
		due := int64(0) // the latest that had to be there
		for n := number + 1; n <= e.acked; n++ {
			key := ack{e.name, n}
			at, acknowledged := a.acks[key]
			switch {
			case !acknowledged:
			case !at.After(a.kept):
				due = n
			default:
				delete(a.acks, key)
				if loss.Writes++; first.IsZero() || at.Before(first) {
					first = at
				}
			}
		}
		if due > 0 {
			lost = append(lost, fmt.Sprintf("%s: number %d was acknowledged before what the cluster was brought back from, and it holds %d", e.name, due, number))
		}
	}
	if loss.Writes > 0 {
		loss.First = since(first)
	}
	return lost, loss
}

// held is the number that e's object holds, 0 where there is none, and what is wrong with it whenever it is from.
func held(e entry, got *corev1.ConfigMap) (number int64, wrong string) {
	if got == nil {
		return 0, ""
	}
	number, err := strconv.ParseInt(got.Data[numberKey], 10, 64)
	switch {
	case got.UID != e.uid:
		wrong = fmt.Sprintf("%s: uid %s was acknowledged, and it is %s", e.name, e.uid, got.UID)
	case err != nil:
		wrong = fmt.Sprintf("%s: number %d was acknowledged, and it holds %q", e.name, e.acked, got.Data[numberKey])
	case number > e.attempted:
		wrong = fmt.Sprintf("%s: number %d was the last that was sent, and it holds %d", e.name, e.attempted, number)
	}
	return number, wrong
}
