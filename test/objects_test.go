//go:build lab

package test

import (
	"context"
	"encoding/json"
	"path/filepath"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// adminClient is the way in by the kubeconfig that kubeadm gave the administrator.
func (c *cluster) adminClient() *rest.Config {
	c.t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", filepath.Join(c.dir, "admin.conf"))
	if err != nil {
		c.t.Fatal(err)
	}
	config.QPS, config.Burst, config.Timeout = 100, 200, 10*time.Second
	return config
}

// object is what must stay of an object of the API.
type object struct{ uid, data string }

// everyObject lists all objects of all kinds that the API can list, by kind, namespace and name.
func (c *cluster) everyObject(config *rest.Config) map[string]object {
	c.t.Helper()
	found, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		c.t.Fatal(err)
	}
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		c.t.Fatal(err)
	}
	lists, err := found.ServerPreferredResources()
	if err != nil {
		c.t.Fatal(err)
	}
	out := map[string]object{}
	for _, list := range lists {
		for _, r := range list.APIResources {
			if strings.Contains(r.Name, "/") || !strings.Contains(strings.Join(r.Verbs, " "), "list") {
				continue
			}
			version, err := schema.ParseGroupVersion(list.GroupVersion)
			if err != nil {
				c.t.Fatal(err)
			}
			objects, err := client.Resource(version.WithResource(r.Name)).List(context.Background(), metav1.ListOptions{})
			if err != nil {
				c.t.Fatalf("list %s: %v", r.Name, err)
			}
			for _, o := range objects.Items {
				out[o.GetKind()+" "+o.GetNamespace()+"/"+o.GetName()] = object{string(o.GetUID()), dataOf(c, o)}
			}
		}
	}
	return out
}

// dataOf is the object less what servers and controllers keep in it.
func dataOf(c *cluster, o unstructured.Unstructured) string {
	for _, field := range [][]string{{"status"}, {"metadata", "managedFields"}, {"metadata", "resourceVersion"}, {"metadata", "generation"}, {"metadata", "annotations"}} {
		unstructured.RemoveNestedField(o.Object, field...)
	}
	text, err := json.Marshal(o.Object)
	if err != nil {
		c.t.Fatal(err)
	}
	return string(text)
}

// passing are kinds whose objects come and go by themselves.
func passing(id string) bool {
	kind, _, _ := strings.Cut(id, " ")
	switch kind {
	case "Event", "Lease", "ControllerRevision", "PodMetrics", "NodeMetrics", "CertificateSigningRequest":
		return true
	}
	return false
}

// replaced are the objects that Slipway has of its own, or that it takes away, as the manual says.
func replacedObject(id string) bool {
	for _, prefix := range []string{
		"ConfigMap kube-system/kubeadm-config", "DaemonSet kube-flannel/kube-flannel-ds", "Pod kube-flannel/", "Pod kube-system/",
		"ReplicaSet kube-system/coredns-",
	} {
		if strings.HasPrefix(id, prefix) {
			return true
		}
	}
	return false
}

// rewritten are the objects that keep their uid and are Slipway's now.
func rewritten(id string) bool {
	for _, prefix := range []string{
		"Node /", "DaemonSet kube-system/kube-proxy", "ConfigMap kube-system/kube-proxy", "ConfigMap kube-system/coredns", "Deployment kube-system/coredns",
		"ClusterRole /system:coredns", "ClusterRole /flannel", "ClusterRoleBinding /flannel", "EndpointSlice ", "Endpoints ",
	} {
		if strings.HasPrefix(id, prefix) {
			return true
		}
	}
	return false
}

// sameObjects wants every object of before still there, the same one and with the same data.
func (c *cluster) sameObjects(before, after map[string]object) {
	c.t.Helper()
	kept := 0
	for id, was := range before {
		now, there := after[id]
		switch {
		case passing(id) || replacedObject(id):
			continue
		case !there:
			c.t.Errorf("%s is lost", id)
		case now.uid != was.uid:
			c.t.Errorf("%s is another: uid %s, was %s", id, now.uid, was.uid)
		case now.data != was.data && !rewritten(id):
			c.t.Errorf("%s has changed:\n%s\n%s", id, was.data, now.data)
		}
		kept++
	}
	c.t.Logf("%d objects, of which %d had to stay, and %d are there now", len(before), kept, len(after))
}

// useCluster puts into the cluster what people put into one.
func (c *cluster) useCluster() {
	c.t.Helper()
	image := "slipway.local/loadbalancer:" + c.imageTag("loadbalancer")
	c.apply(strings.ReplaceAll(usedObjects, "IMAGE", image))
	c.kubectl("wait", "--for=condition=Available", "deployment/web", "--timeout=120s")
	c.kubectl("wait", "--for=jsonpath={.status.phase}=Bound", "pvc/hold", "--timeout=60s")
	c.kubectl("wait", "--for=condition=Established", "crd/ships.example.com", "--timeout=60s")
	c.apply("apiVersion: example.com/v1\nkind: Ship\nmetadata: {name: argo, namespace: default}\nspec: {oars: 50}\n")
}

const usedObjects = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: default}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: IMAGE
        imagePullPolicy: Never
        command: [bash, -c, "printf 'defaults\n mode http\n timeout client 5s\n timeout server 5s\n timeout connect 1s\nfrontend f\n bind :8080\n http-request return status 200 content-type text/plain string hello\n' >/tmp/c && exec haproxy -db -f /tmp/c"]
        readinessProbe: {periodSeconds: 1, tcpSocket: {port: 8080}}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: default}
spec: {type: NodePort, selector: {app: web}, ports: [{port: 80, targetPort: 8080, nodePort: 30080}]}
---
apiVersion: v1
kind: Secret
metadata: {name: precious, namespace: default}
stringData: {word: marzipan}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: robot, namespace: default}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: robot}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
subjects: [{kind: ServiceAccount, name: robot, namespace: default}]
---
apiVersion: v1
kind: PersistentVolume
metadata: {name: hold}
spec: {capacity: {storage: 1Gi}, accessModes: [ReadWriteOnce], hostPath: {path: /srv/hold}, storageClassName: hand}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: hold, namespace: default}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}, storageClassName: hand}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: ships.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {kind: Ship, plural: ships, singular: ship}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {oars: {type: integer}}}}}}
`
