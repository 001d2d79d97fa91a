//go:build bench

package test

import (
	"context"
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/slipway/slipway/internal/drill"
	"github.com/slipway/slipway/internal/load"
)

// askedRate is how many requests clients make per second, half of them writes.
const askedRate = 15

// asked puts the drill's load on the API through the endpoint that the kubeconfig names, each request by a connection of its own,
// until the function that it returns is called; that one tells what became of the requests.
func asked(t *testing.T, kubeconfig []byte) func() *drill.Report {
	t.Helper()
	config, err := clientcmd.RESTConfigFromKubeConfig(kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	client, err := dial(kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: load.Namespace}}
	if _, err := client.Typed.CoreV1().Namespaces().Create(t.Context(), namespace, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
		t.Fatal(err)
	}
	record := drill.NewRecorder()
	api, err := load.NewAPI(load.Access{Server: config.Host, CA: config.CAData, Cert: config.CertData, Key: config.KeyData, Dial: load.Dialer()}, record)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		api.Run(ctx, askedRate)
	}()
	return func() *drill.Report {
		cancel()
		<-ended
		return record.Report(drill.Report{Rate: askedRate})
	}
}

// outageOf tells the longest outage and in which of a course's stages it began.
func outageOf(seen *drill.Report, stages []stretch) string {
	if len(seen.Outages) == 0 {
		return "none"
	}
	o := seen.Outages[0]
	at := seen.Began.Add(time.Duration(o.Start * float64(time.Second)))
	during := "before the first stage"
	for _, s := range stages {
		if !s.start.After(at) {
			during = "in the stage " + s.name
		}
	}
	return fmt.Sprintf("%.1f s, of %ss, %s", o.Seconds, o.Kind, during)
}
