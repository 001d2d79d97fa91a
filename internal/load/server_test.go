package load

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"path"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// faulty is an API server of ConfigMaps that does wrong what a real one should not, when it is told to.
type faulty struct {
	mu       sync.Mutex
	cond     *sync.Cond
	version  int
	stored   map[string]*corev1.ConfigMap
	events   []metav1.WatchEvent
	sent     int // events that watches begin after, where they lose some
	writes   int
	requests int

	spoil func(s *faulty, w http.ResponseWriter, r *http.Request) bool // true: the request is dealt with

	connections atomic.Int32
}

// serve starts it, and gives the access to it.
func (s *faulty) serve(t *testing.T) Access {
	t.Helper()
	s.stored, s.cond = map[string]*corev1.ConfigMap{"kube-root-ca.crt": {}}, sync.NewCond(&s.mu)
	server := httptest.NewUnstartedServer(s)
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			s.connections.Add(1)
		}
	}
	server.StartTLS()
	t.Cleanup(func() { server.CloseClientConnections(); server.Close() })
	cert, key := pair(t)
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	return Access{Server: server.URL, CA: ca, Cert: cert, Key: key, Dial: Dialer()}
}

func pair(t *testing.T) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "admin"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	text, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: text})
}

func (s *faulty) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests++
	if s.spoil != nil && s.spoil(s, w, r) {
		return
	}
	s.answer(w, r)
}

func (s *faulty) answer(w http.ResponseWriter, r *http.Request) {
	name := path.Base(r.URL.Path)
	switch {
	case r.URL.Query().Get("watch") != "":
		s.watch(w, r)
	case r.Method == http.MethodGet && name == "configmaps":
		list := corev1.ConfigMapList{TypeMeta: metav1.TypeMeta{Kind: "ConfigMapList", APIVersion: "v1"}, ListMeta: metav1.ListMeta{ResourceVersion: strconv.Itoa(s.version + 1)}}
		for _, o := range s.stored {
			list.Items = append(list.Items, *o)
		}
		reply(w, http.StatusOK, list)
	case r.Method == http.MethodGet:
		if o := s.stored[name]; o != nil {
			reply(w, http.StatusOK, o)
			return
		}
		refuse(w, http.StatusNotFound, metav1.StatusReasonNotFound)
	default:
		s.put(w, r)
	}
}

func (s *faulty) put(w http.ResponseWriter, r *http.Request) {
	o := &corev1.ConfigMap{}
	if err := json.NewDecoder(r.Body).Decode(o); err != nil {
		refuse(w, http.StatusBadRequest, metav1.StatusReasonBadRequest)
		return
	}
	was := s.stored[o.Name]
	switch {
	case r.Method == http.MethodPost && was != nil:
		refuse(w, http.StatusConflict, metav1.StatusReasonAlreadyExists)
		return
	case r.Method == http.MethodPut && (was == nil || was.ResourceVersion != o.ResourceVersion):
		refuse(w, http.StatusConflict, metav1.StatusReasonConflict)
		return
	}
	s.version++
	s.writes++
	o.TypeMeta, o.ResourceVersion = metav1.TypeMeta{Kind: "ConfigMap", APIVersion: "v1"}, strconv.Itoa(s.version+1)
	if was == nil {
		o.UID = types.UID(fmt.Sprintf("uid-%d", s.version))
	}
	s.stored[o.Name] = o
	kind := "MODIFIED"
	if was == nil {
		kind = "ADDED"
	}
	e := metav1.WatchEvent{Type: kind}
	e.Object.Object = o.DeepCopy()
	s.events = append(s.events, e)
	s.cond.Broadcast()
	reply(w, http.StatusOK, o)
}

// watch sends five events on one connection, as a server that restarts often.
func (s *faulty) watch(w http.ResponseWriter, r *http.Request) {
	from, _ := strconv.Atoi(r.URL.Query().Get("resourceVersion"))
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusOK)
	flush := w.(http.Flusher)
	flush.Flush()
	stop := time.AfterFunc(300*time.Millisecond, s.cond.Broadcast)
	defer stop.Stop()
	end := time.Now().Add(300 * time.Millisecond)
	for next, sent := max(from-1, s.sent), 0; sent < 5; {
		if next >= len(s.events) {
			if time.Now().After(end) {
				return
			}
			s.cond.Wait()
			continue
		}
		e := struct {
			Type   string `json:"type"`
			Object any    `json:"object"`
		}{s.events[next].Type, s.events[next].Object.Object}
		_ = json.NewEncoder(w).Encode(e)
		flush.Flush()
		next, sent = next+1, sent+1
	}
}

func reply(w http.ResponseWriter, code int, o any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(o)
}

func refuse(w http.ResponseWriter, code int, reason metav1.StatusReason) {
	reply(w, code, metav1.Status{TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: metav1.StatusFailure, Code: int32(code), Reason: reason, Message: string(reason)})
}
