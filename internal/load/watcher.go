package load

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"

	"github.com/slipway/slipway/internal/drill"
)

type (
	// Writes is what became of acknowledged writes.
	Writes = drill.Writes
	// Watch is what a watch saw of them.
	Watch = drill.Watch
	// Loss is what was acknowledged and could not be kept.
	Loss = drill.Loss
)

// watcher keeps a watch of all writes open, as controllers do, and notes what it sees.
type watcher struct {
	client kubernetes.Interface
	mu     sync.Mutex
	seen   map[ack]time.Time
	listed map[string]int64 // the latest number that a list showed, by name: who lists anew knows what is, and need not know what was
	breaks int
	lists  int
}

// Watch begins to watch what is written, until ctx ends. The namespace must be there.
func (a *API) Watch(ctx context.Context) error {
	client, err := kept(a.access)
	if err != nil {
		return err
	}
	a.watch = &watcher{client: client, seen: map[ack]time.Time{}, listed: map[string]int64{}}
	version, err := a.watch.list(ctx)
	if err != nil {
		return fmt.Errorf("begin to watch: %w", err)
	}
	go a.watch.follow(ctx, version)
	return nil
}

// follow watches from a version on, over as many connections as it takes.
func (w *watcher) follow(ctx context.Context, version string) {
	for ctx.Err() == nil {
		var err error
		if version == "" {
			version, err = w.list(ctx)
		} else {
			version, err = w.stream(ctx, version)
		}
		if ctx.Err() != nil {
			return
		}
		if err != nil { // refused: not at once again
			select {
			case <-ctx.Done():
			case <-time.After(retryAfter / 4):
			}
		}
	}
}

// list takes what is there as seen, and gives the version to watch from.
func (w *watcher) list(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, attemptWithin)
	defer cancel()
	list, err := w.client.CoreV1().ConfigMaps(Namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return "", err
	}
	w.count(&w.lists)
	for i := range list.Items {
		w.saw(&list.Items[i], w.listed)
	}
	return list.ResourceVersion, nil
}

// stream is one watch to its end. It gives the version to go on from, "" where the server does not know it any more, and an error
// where the watch was refused or broke rather than ended.
func (w *watcher) stream(ctx context.Context, version string) (string, error) {
	stream, err := w.client.CoreV1().ConfigMaps(Namespace).Watch(ctx, metav1.ListOptions{ResourceVersion: version, AllowWatchBookmarks: true})
	if err != nil {
		return ifKnown(version, err), err
	}
	defer stream.Stop()
	defer func() {
		if ctx.Err() == nil {
			w.count(&w.breaks)
		}
	}()
	for e := range stream.ResultChan() {
		if e.Type == watch.Error {
			err := apierrors.FromObject(e.Object)
			return ifKnown(version, err), err
		}
		if o, ok := e.Object.(*corev1.ConfigMap); ok {
			version = o.ResourceVersion
			if e.Type != watch.Bookmark {
				w.saw(o, nil)
			}
		}
	}
	return version, nil
}

func ifKnown(version string, err error) string {
	var status apierrors.APIStatus
	if errors.As(err, &status) && status.Status().Code == http.StatusGone {
		return ""
	}
	return version
}

func (w *watcher) count(what *int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	*what++
}

// saw notes an object, also among those that a list showed.
func (w *watcher) saw(o *corev1.ConfigMap, list map[string]int64) {
	number, err := strconv.ParseInt(o.Data[numberKey], 10, 64)
	if err != nil {
		return // not one of ours, such as kube-root-ca.crt
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if key := (ack{o.Name, number}); w.seen[key].IsZero() {
		w.seen[key] = time.Now()
	}
	if list != nil {
		list[o.Name] = number
	}
}

// patience is how long events may be under way after the load. A connection whose other end is silently gone is found out by
// HTTP/2's pings, after 45 s.
const patience = 60 * time.Second

// settle waits until all acks were seen, and tells what was.
func (w *watcher) settle(ctx context.Context, acks map[ack]time.Time) Watch {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		out := w.compared(acks)
		if len(out.Missed) == 0 {
			return out
		}
		select {
		case <-ctx.Done():
			return out
		case <-time.After(200 * time.Millisecond):
		}
	}
}

func (w *watcher) compared(acks map[ack]time.Time) Watch {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := Watch{Breaks: w.breaks, Relists: w.lists - 1}
	for a, at := range acks {
		seen, ok := w.seen[a]
		if !ok && a.number > w.listed[a.name] {
			out.Missed = append(out.Missed, fmt.Sprintf("%s number %d", a.name, a.number))
			continue
		}
		out.Seen++
		if ok {
			out.Delay = max(out.Delay, seen.Sub(at).Round(time.Millisecond).Seconds())
		}
	}
	slices.Sort(out.Missed)
	return out
}
