package etcd

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"
	"go.etcd.io/etcd/api/v3/mvccpb"
	"google.golang.org/protobuf/proto"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// write is one revision of a database: a value of a key, or its deletion.
type write struct {
	key     string
	value   []byte
	deleted bool
}

// database is a database as etcd keeps it, with these writes.
func database(t *testing.T, storage string, writes ...write) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "snapshot.db")
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		meta, err := tx.CreateBucket([]byte("meta"))
		if err != nil {
			return err
		}
		if err := meta.Put([]byte("storageVersion"), []byte(storage)); err != nil {
			return err
		}
		keys, err := tx.CreateBucket([]byte("key"))
		if err != nil {
			return err
		}
		for i, w := range writes {
			revision := append(binary.BigEndian.AppendUint64(nil, uint64(i+2)), '_')
			revision = binary.BigEndian.AppendUint64(revision, 0)
			if w.deleted {
				revision = append(revision, 't')
			}
			kv, err := proto.Marshal(&mvccpb.KeyValue{Key: []byte(w.key), Value: w.value})
			if err != nil {
				return err
			}
			if err := keys.Put(revision, kv); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// stored is an object as an API server stores it.
func stored(t *testing.T, o interface{ Marshal() ([]byte, error) }) []byte {
	t.Helper()
	raw, err := o.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	text, err := (&runtime.Unknown{Raw: raw}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return append([]byte("k8s\x00"), text...)
}

func storedNode(t *testing.T, name, role, version string) write {
	n := corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"node-role.kubernetes.io/" + role: ""}}}
	n.Status.NodeInfo.KubeletVersion = version
	return write{key: "/registry/minions/" + name, value: stored(t, &n)}
}

func TestInspect(t *testing.T) {
	ca := write{key: "/registry/configmaps/kube-system/kube-root-ca.crt", value: stored(t, &corev1.ConfigMap{Data: map[string]string{"ca.crt": "PEM"}})}
	path := database(t, "3.6.0", ca, storedNode(t, "cp-1", "control-plane", "v1.35.4"), storedNode(t, "cp-1", "control-plane", "v1.36.3"),
		storedNode(t, "w-1", "worker", "v1.34.4"), storedNode(t, "cp-2", "control-plane", "v1.35.4"), write{key: "/registry/minions/cp-2", deleted: true},
		write{key: "/registry/secrets/default/s", value: []byte("k8s:enc:secretbox:v1:key1:…")})
	want := Inspected{Revision: 8, Keys: 4, Storage: "3.6.0", CA: "PEM", Kubelets: map[string]string{"cp-1": "v1.36.3"}}
	got, err := Inspect(path)
	if d := cmp.Diff(want, got); err != nil || d != "" {
		t.Errorf("%v (-want +got):\n%s", err, d)
	}
}

func TestInspectRefuses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	if err := os.WriteFile(path, []byte(strings.Repeat("no database ", 2000)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Inspect(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("%v", err)
	}
	if _, err := Inspect(database(t, "3.6.0", write{key: "/registry/minions/cp-1", value: []byte("k8s\x00rubbish")})); err == nil || !strings.Contains(err.Error(), "minions/cp-1") {
		t.Errorf("%v", err)
	}
}
