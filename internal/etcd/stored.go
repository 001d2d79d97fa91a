package etcd

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	clientv3 "go.etcd.io/etcd/client/v3"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

const (
	registry = "/registry/"
	// A page of values is held at once: objects are at most 1.5 MiB, and mostly some KiB.
	page = 200
)

// protobufMark is what Kubernetes puts before an object that it stores as protobuf.
// https://github.com/kubernetes/apimachinery/blob/v0.36.3/pkg/runtime/serializer/protobuf/protobuf.go
var protobufMark = []byte("k8s\x00")

// StoredKinds counts the objects of Kubernetes by the version and kind that they are stored as. What is encrypted is left out.
func (c *Client) StoredKinds(ctx context.Context) (map[schema.GroupVersionKind]int, error) {
	found := map[schema.GroupVersionKind]int{}
	end := clientv3.GetPrefixRangeEnd(registry)
	for from := registry; ; {
		got, err := c.page(ctx, from, end)
		if err != nil {
			return nil, err
		}
		for _, kv := range got.Kvs {
			if kind, ok := storedKind(kv.Value); ok {
				found[kind]++
			}
		}
		if !got.More || len(got.Kvs) == 0 {
			return found, nil
		}
		from = string(got.Kvs[len(got.Kvs)-1].Key) + "\x00"
	}
}

func (c *Client) page(ctx context.Context, from, end string) (*clientv3.GetResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	got, err := c.api.Get(ctx, from, clientv3.WithRange(end), clientv3.WithLimit(page), clientv3.WithSerializable())
	if err != nil {
		return nil, fmt.Errorf("etcd %s: read: %w", c.endpoint, err)
	}
	return got, nil
}

// storedKind reads what an object is stored as, of protobuf or JSON; false for anything else.
func storedKind(value []byte) (schema.GroupVersionKind, bool) {
	var is metav1.TypeMeta
	if text, ok := bytes.CutPrefix(value, protobufMark); ok {
		var u runtime.Unknown
		if u.Unmarshal(text) != nil {
			return schema.GroupVersionKind{}, false
		}
		is.APIVersion, is.Kind = u.APIVersion, u.Kind
	} else if len(value) == 0 || value[0] != '{' || json.Unmarshal(value, &is) != nil {
		return schema.GroupVersionKind{}, false
	}
	return is.GroupVersionKind(), is.Kind != ""
}
