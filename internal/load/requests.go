package load

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/slipway/slipway/internal/drill"
)

// Where a written object holds its number, and what makes it heavy.
const (
	numberKey = "number"
	weightKey = "weight"
)

// API writes and reads through one endpoint, half and half, and remembers what was acknowledged.
type API struct {
	rec    *drill.Recorder
	client *fresh
	ledger *ledger
	watch  *watcher
	access Access

	// Weight is how many bytes each written object is made heavier by.
	Weight int
}

// NewAPI prepares the load; it connects to nothing yet.
func NewAPI(a Access, rec *drill.Recorder) (*API, error) {
	client, err := newFresh(a)
	if err != nil {
		return nil, err
	}
	return &API{rec: rec, client: client, ledger: newLedger(), access: a}, nil
}

// Rewind says that the cluster is brought back from what it was earlier, and that what was acknowledged until kept has to be there
// then. Nothing may be acknowledged while it is called: the API must be down.
func (a *API) Rewind(kept time.Time) { a.ledger.rewind(kept) }

// Run sends requests at a steady rate until ctx ends, and returns when the last has its fate.
func (a *API) Run(ctx context.Context, rate float64) {
	pace(ctx, rate, 0, a.rec, func(n int, due time.Time) {
		if n%2 == 0 {
			a.rec.Add(a.write(ctx, n/2, due))
		} else {
			a.rec.Add(a.read(ctx, due))
		}
	})
}

func (a *API) write(ctx context.Context, n int, due time.Time) drill.Sample {
	e, number := a.ledger.take(n)
	want := &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Name: e.name, ResourceVersion: e.version, UID: e.uid},
		Data:       map[string]string{numberKey: strconv.FormatInt(number, 10)},
	}
	if a.Weight > 0 {
		want.Data[weightKey] = strings.Repeat("x", a.Weight)
	}
	s := attempt(ctx, a.rec, drill.Sample{Kind: drill.Write}, due, func(ctx context.Context, again bool) error {
		// By the version of the last acknowledged write: were one that timed out still under way, it could not
		// overwrite a later one.
		got, err := a.client.put(ctx, want)
		if again && (apierrors.IsConflict(err) || apierrors.IsAlreadyExists(err)) {
			got, err = a.taken(ctx, want, err)
		}
		if err == nil {
			a.ledger.acknowledge(e, number, got.UID, got.ResourceVersion)
		}
		return err
	})
	if s.Error != "" && s.Retry.Error != "" {
		a.ledger.abandon()
	}
	return s
}

// taken looks whether a write that failed was taken nevertheless, which is why another one met a conflict.
func (a *API) taken(ctx context.Context, want *corev1.ConfigMap, conflict error) (*corev1.ConfigMap, error) {
	got, err := a.client.get(ctx, want.Name)
	if err == nil && got.Data[numberKey] != want.Data[numberKey] {
		err = conflict
	}
	return got, err
}

func (a *API) read(ctx context.Context, due time.Time) drill.Sample {
	e, any := a.ledger.pick()
	return attempt(ctx, a.rec, drill.Sample{Kind: drill.Read}, due, func(ctx context.Context, _ bool) error {
		if !any { // nothing is written yet: what every namespace has
			_, err := a.client.get(ctx, "kube-root-ca.crt")
			return err
		}
		got, err := a.client.get(ctx, e.name)
		if err != nil {
			return err
		}
		if wrong := compare(e, got); wrong != "" {
			a.ledger.misread(e, wrong)
		}
		return nil
	})
}

// compare says how what the API holds is older than, or other than, what it acknowledged; "" where it is not.
func compare(e entry, got *corev1.ConfigMap) string {
	number, err := strconv.ParseInt(got.Data[numberKey], 10, 64)
	switch {
	case e.acked > 0 && got.UID != e.uid:
		return fmt.Sprintf("%s: uid %s was acknowledged, and it is %s", e.name, e.uid, got.UID)
	case err != nil:
		return fmt.Sprintf("%s: number %d was acknowledged, and it holds %q", e.name, e.acked, got.Data[numberKey])
	case number < e.acked:
		return fmt.Sprintf("%s: number %d was acknowledged, and it holds %d", e.name, e.acked, number)
	}
	return ""
}
