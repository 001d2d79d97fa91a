package ui

import (
	"strings"
	"testing"
	"time"

	"github.com/slipway/slipway/internal/event"
)

// picture shows the frame after events, one second apart.
func picture(nodes []string, over bool, events ...event.Event) string {
	now := noon
	tr := newTracker(nodes, now)
	for _, e := range events {
		now = now.Add(time.Second)
		tr.take(e, now)
	}
	v := view{look: newLook(false, true), tracker: tr, title: "apply prod", now: now, width: 99, over: over}
	return strings.Join(v.frame(), "\n") + "\n"
}

func on(kind event.Kind, node, stage, subject, message string) event.Event {
	return event.Event{Kind: kind, Node: node, Stage: stage, Subject: subject, Message: message}
}

func TestPictures(t *testing.T) {
	count := on(event.Changed, "cp-1", "machine", "file /etc/hosts", "update")
	count.Done, count.Total = 12, 48
	sent := on(event.Progress, "cp-1", "machine", "images", "")
	sent.Done, sent.Total = 10_000_000, 40_000_000
	compiled := on(event.Progress, "", "", "part kube", "compiled k8s.io/kubernetes/pkg/kubelet")
	compiled.Done = 410
	for name, c := range map[string]struct {
		over   bool
		events []event.Event
	}{
		"counts changes":              {false, []event.Event{on(event.Started, "cp-1", "machine", "", ""), count}},
		"shows bytes while they move": {false, []event.Event{count, sent, sent}},
		"keeps the other condition": {false, []event.Event{
			on(event.Waiting, "cp-1", "control-plane", "etcd", "no leader"),
			on(event.Waiting, "cp-1", "control-plane", "apiserver", "refused"),
			on(event.Done, "cp-1", "control-plane", "apiserver", ""),
		}},
		"ends with its last condition": {false, []event.Event{
			on(event.Started, "", "control-plane", "", ""),
			on(event.Waiting, "cp-1", "control-plane", "etcd", "no leader"),
			on(event.Done, "cp-1", "control-plane", "etcd", ""),
		}},
		"ends on nodes as in the cluster": {true, []event.Event{
			on(event.Started, "", "payload", "", ""), on(event.Started, "cp-1", "payload", "", ""),
			on(event.Started, "cp-2", "payload", "", ""), on(event.Done, "cp-1", "payload", "", ""),
			on(event.Done, "", "payload", "", ""),
		}},
		"says who failed and who stopped": {true, []event.Event{
			on(event.Started, "", "payload", "", ""), on(event.Started, "cp-1", "payload", "", ""),
			on(event.Started, "cp-2", "payload", "", ""), on(event.Failed, "cp-1", "payload", "", "disk full\non /var"),
			on(event.Failed, "", "payload", "", "cp-1: disk full\non /var"),
		}},
		"goes on after a failure": {false, []event.Event{
			on(event.Started, "cp-1", "payload", "", ""), on(event.Failed, "cp-1", "payload", "", "connection lost"),
			on(event.Started, "cp-1", "payload", "", ""), on(event.Done, "cp-1", "payload", "", ""),
		}},
		"follows work without stages": {false, []event.Event{
			on(event.Started, "", "", "part etcd", ""), on(event.Done, "", "", "part etcd", "58 MB"),
			on(event.Started, "", "", "part kube", ""), compiled, on(event.Changed, "", "", "certificate apiserver", "renewed"),
		}},
		"adds nodes as they appear": {false, []event.Event{on(event.Started, "w-9", "reset", "", "")}},
	} {
		t.Run(name, func(t *testing.T) {
			golden(t, "picture-"+strings.ReplaceAll(name, " ", "-")+".txt", picture([]string{"cp-1", "cp-2"}, c.over, c.events...))
		})
	}
}
