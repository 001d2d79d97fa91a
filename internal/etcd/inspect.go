package etcd

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"go.etcd.io/bbolt"
	"go.etcd.io/etcd/api/v3/mvccpb"
	"google.golang.org/protobuf/proto"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// Inspected is what a snapshot says of itself.
type Inspected struct {
	Revision int64
	Keys     int
	Storage  string            // version of etcd that its form is of: 3.6.0; "" before 3.6
	CA       string            // the authority of the Kubernetes cluster, PEM; "" where it holds none
	Kubelets map[string]string // version of the kubelet by control plane: v1.36.3
}

const (
	rootCA = registry + "configmaps/kube-system/kube-root-ca.crt"
	nodes  = registry + "minions/" // what the API calls nodes
	// A revision is its main part, a mark and its sub part; one more byte says that the key was deleted there.
	// https://github.com/etcd-io/etcd/blob/v3.6.0/server/storage/mvcc/revision.go
	revisionSize = 8 + 1 + 8
)

// Inspect reads a snapshot file. Whether its bytes are whole is CheckSnapshot's to say.
func Inspect(path string) (Inspected, error) {
	out := Inspected{Kubelets: map[string]string{}}
	db, err := bbolt.Open(path, 0o400, &bbolt.Options{ReadOnly: true})
	if err != nil {
		return out, fmt.Errorf("snapshot %s: %w", path, err)
	}
	defer db.Close()
	last := map[string][]byte{} // values of the keys that are looked at below, nil of all others
	err = db.View(func(tx *bbolt.Tx) error {
		if meta := tx.Bucket([]byte("meta")); meta != nil {
			out.Storage = string(meta.Get([]byte("storageVersion")))
		}
		keys := tx.Bucket([]byte("key"))
		if keys == nil {
			return errors.New("it is no database of etcd's: it has no keys")
		}
		return keys.ForEach(func(revision, value []byte) error {
			if len(revision) < revisionSize {
				return errors.New("a revision in it cannot be read")
			}
			out.Revision = int64(binary.BigEndian.Uint64(revision))
			var kv mvccpb.KeyValue
			if err := proto.Unmarshal(value, &kv); err != nil {
				return fmt.Errorf("a value in it cannot be read: %w", err)
			}
			switch key := string(kv.Key); {
			case len(revision) > revisionSize:
				delete(last, key)
			case key == rootCA || strings.HasPrefix(key, nodes):
				last[key] = kv.Value
			default:
				last[key] = nil
			}
			return nil
		})
	})
	if err != nil {
		return out, fmt.Errorf("snapshot %s: %w", path, err)
	}
	out.Keys = len(last)
	for key, value := range last {
		if err := out.learn(key, value); err != nil {
			return out, fmt.Errorf("snapshot %s: %s: %w", path, key, err)
		}
	}
	return out, nil
}

func (i *Inspected) learn(key string, value []byte) error {
	text, ok := strings.CutPrefix(string(value), string(protobufMark))
	if !ok {
		return nil // one of the others, or stored in another form
	}
	var u runtime.Unknown
	if err := u.Unmarshal([]byte(text)); err != nil {
		return err
	}
	if key == rootCA {
		var c corev1.ConfigMap
		err := c.Unmarshal(u.Raw)
		i.CA = c.Data["ca.crt"]
		return err
	}
	var n corev1.Node
	if err := n.Unmarshal(u.Raw); err != nil {
		return err
	}
	if _, leads := n.Labels["node-role.kubernetes.io/control-plane"]; leads {
		i.Kubelets[n.Name] = n.Status.NodeInfo.KubeletVersion
	}
	return nil
}
