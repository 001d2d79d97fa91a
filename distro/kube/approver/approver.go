// Package approver lets kubelets that joined by themselves get and renew their serving certificates: it approves the
// requests that bear nothing but the asking node's own names and addresses. The controller manager signs
// what is approved; it approves client certificates itself, but nobody upstream approves these.
package approver

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/klog/v2"
)

// Main is the program; it returns its exit status.
func Main() int {
	flags := flag.NewFlagSet("kubelet-approver", flag.ExitOnError)
	klog.InitFlags(flags)
	kubeconfig := flags.String("kubeconfig", "", "`FILE` to reach the API server with; the pod's service account unless given")
	reserved := flags.String("reserved", "", "names and addresses of the API, by commas, that no node may have")
	if err := flags.Parse(os.Args[1:]); err != nil {
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err == nil {
		err = run(ctx, config, strings.Split(*reserved, ","))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "kubelet-approver:", err)
		return 1
	}
	return 0
}

// approver holds what run watches. Several may run at once: approving twice changes nothing.
type approver struct {
	client   kubernetes.Interface
	reserved []string
	requests cache.Indexer
	nodes    interface {
		List(labels.Selector) ([]*corev1.Node, error)
	}
	queue workqueue.TypedRateLimitingInterface[string]
}

func run(ctx context.Context, config *rest.Config, reserved []string) error {
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	serving := informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithTweakListOptions(func(o *metav1.ListOptions) {
		o.FieldSelector = fields.OneTermEqualSelector("spec.signerName", certificatesv1.KubeletServingSignerName).String()
	}))
	all := informers.NewSharedInformerFactory(client, 0)
	requests := serving.Certificates().V1().CertificateSigningRequests().Informer()
	a := &approver{
		client: client, reserved: reserved, requests: requests.GetIndexer(), nodes: all.Core().V1().Nodes().Lister(),
		// A kubelet asks before its Node's addresses are written: what is refused is looked at again for a while.
		queue: workqueue.NewTypedRateLimitingQueue(workqueue.NewTypedItemExponentialFailureRateLimiter[string](time.Second, time.Minute)),
	}
	defer a.queue.ShutDown()
	_, err = requests.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(o any) { a.queue.Add(o.(*certificatesv1.CertificateSigningRequest).Name) },
		UpdateFunc: func(_, o any) { a.queue.Add(o.(*certificatesv1.CertificateSigningRequest).Name) },
	})
	if err != nil {
		return err
	}
	serving.Start(ctx.Done())
	all.Start(ctx.Done())
	serving.WaitForCacheSync(ctx.Done())
	all.WaitForCacheSync(ctx.Done())
	go func() { <-ctx.Done(); a.queue.ShutDown() }()
	for {
		name, ended := a.queue.Get()
		if ended {
			return nil
		}
		if err := a.look(ctx, name); err != nil {
			klog.ErrorS(err, "request not approved", "request", name)
			a.queue.AddRateLimited(name)
		} else {
			a.queue.Forget(name)
		}
		a.queue.Done(name)
	}
}

// look approves one request if it is open and sound.
func (a *approver) look(ctx context.Context, name string) error {
	object, there, err := a.requests.GetByKey(name)
	if err != nil || !there {
		return err
	}
	csr := object.(*certificatesv1.CertificateSigningRequest)
	if len(csr.Status.Conditions) > 0 || len(csr.Status.Certificate) > 0 {
		return nil // decided
	}
	nodes, err := a.nodes.List(labels.Everything())
	if err != nil {
		return err
	}
	if err := Judge(csr, nodes, a.reserved); err != nil {
		return err
	}
	csr = csr.DeepCopy()
	csr.Status.Conditions = append(csr.Status.Conditions, certificatesv1.CertificateSigningRequestCondition{
		Type: certificatesv1.CertificateApproved, Status: corev1.ConditionTrue, Reason: "OwnNamesOnly",
		Message: "It bears nothing but the names and addresses of the node that asks.",
	})
	_, err = a.client.CertificatesV1().CertificateSigningRequests().UpdateApproval(ctx, name, csr, metav1.UpdateOptions{})
	if apierrors.IsConflict(err) || apierrors.IsNotFound(err) {
		return nil // seen by another, or gone
	}
	if err == nil {
		klog.InfoS("approved", "request", name, "by", csr.Spec.Username)
	}
	return err
}
