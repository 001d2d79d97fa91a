package load

import (
	"context"
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/slipway/slipway/internal/drill"
)

// under runs a load of 40 requests per second for a second on s, and gives what was recorded and verified.
func under(t *testing.T, s *faulty, spoil func(*faulty, http.ResponseWriter, *http.Request) bool) (*drill.Report, Writes, Watch) {
	t.Helper()
	access := s.serve(t)
	rec := drill.NewRecorder()
	api, err := NewAPI(access, rec)
	if err != nil {
		t.Fatal(err)
	}
	watching, unwatch := context.WithCancel(t.Context())
	defer unwatch()
	if err := api.Watch(watching); err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	s.spoil = spoil
	s.mu.Unlock()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	api.Run(ctx, 40)
	s.mu.Lock()
	s.spoil = nil
	s.mu.Unlock()
	client, err := kept(access)
	if err != nil {
		t.Fatal(err)
	}
	late, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	all := api.Verify(late, client)
	writes, watch := all.Writes, all.Watch
	return rec.Report(drill.Report{Writes: writes, Watch: watch}), writes, watch
}

// TestOfASoundServer: all is acknowledged, seen and there, each request has a connection of its own, and a watch that breaks goes on.
func TestOfASoundServer(t *testing.T) {
	s := &faulty{}
	r, w, watch := under(t, s, nil)
	if r.API.Requests < 35 || r.API.Failed != 0 || len(r.Outages) != 0 {
		t.Errorf("%+v, %+v", r.API, r.Outages)
	}
	if w.Unchecked != "" || w.Acknowledged != s.writes || len(w.Lost)+len(w.Stale)+w.Unknown != 0 {
		t.Errorf("%d writes were taken: %+v", s.writes, w)
	}
	if watch.Seen != w.Acknowledged || len(watch.Missed) != 0 || watch.Breaks < 2 || watch.Relists != 0 {
		t.Errorf("%+v", watch)
	}
	if n := int(s.connections.Load()); n < r.API.Requests {
		t.Errorf("%d requests by %d connections", r.API.Requests, n)
	}
	if len(s.stored) < 3 || len(s.stored) >= s.writes {
		t.Errorf("%d objects by %d writes: none was created, or none changed", len(s.stored), s.writes)
	}
}

// TestTakenAndNotSaid: a write that was taken, with its answer lost on the way, is served by the retry, and nothing is lost.
func TestTakenAndNotSaid(t *testing.T) {
	writes := 0
	r, w, watch := under(t, &faulty{}, func(s *faulty, _ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodGet {
			return false
		}
		if writes++; writes != 3 && writes != 12 { // one that creates, one that changes
			return false
		}
		s.answer(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler)
	})
	if r.API.Failed != 2 || r.API.FailedTwice != 0 || len(r.Outages) == 0 {
		t.Errorf("%+v, %+v", r.API, r.Outages)
	}
	if len(w.Lost) != 0 || w.Unknown != 0 || len(watch.Missed) != 0 {
		t.Errorf("%+v %+v", w, watch)
	}
}

// TestRefusedTwice: what fails twice may be there or not, and is left alone.
func TestRefusedTwice(t *testing.T) {
	r, w, _ := under(t, &faulty{}, func(_ *faulty, rw http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, "configmaps") && r.Method == http.MethodPost {
			refuse(rw, http.StatusServiceUnavailable, "ServiceUnavailable")
			return true
		}
		return false
	})
	if r.API.Failed < 15 || r.API.FailedTwice != r.API.Failed || w.Unknown != r.API.Failed || len(w.Lost) != 0 {
		t.Errorf("%+v %+v", r.API, w)
	}
}

// TestLostWritesAreFound: a server that forgets what it acknowledged is found out, by readers and in the end.
func TestLostWritesAreFound(t *testing.T) {
	forgot := false
	_, w, _ := under(t, &faulty{}, func(s *faulty, rw http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPut && s.writes >= 8 && !forgot {
			forgot = true
			name := path.Base(r.URL.Path)
			was := s.stored[name]
			s.answer(rw, r)
			s.stored[name] = was
			return true
		}
		return false
	})
	if len(w.Lost) == 0 || !strings.Contains(w.Lost[0], "was acknowledged, and it holds") {
		t.Errorf("%+v", w)
	}
}

// TestMissedEventsAreFound: a watch that goes on too far ahead has missed what lies between.
func TestMissedEventsAreFound(t *testing.T) {
	_, w, watch := under(t, &faulty{}, func(s *faulty, _ http.ResponseWriter, r *http.Request) bool {
		if r.URL.Query().Get("watch") != "" && len(s.events) > 5 {
			s.sent = len(s.events) + 1
		}
		return false
	})
	if len(watch.Missed) == 0 || watch.Seen+len(watch.Missed) != w.Acknowledged {
		t.Errorf("%+v", watch)
	}
}
