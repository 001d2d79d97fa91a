package archive

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Manifest says what an archive is. Nothing in it is secret.
type Manifest struct {
	Format     int       `json:"format"`
	Taken      time.Time `json:"taken"`
	Cluster    Cluster   `json:"cluster"`
	Versions   Versions  `json:"versions"`
	Node       string    `json:"node"` // the machine whose member it came from
	Etcd       Etcd      `json:"etcd"`
	Snapshot   Snapshot  `json:"snapshot"`   // filled in by Create
	Recipients []string  `json:"recipients"` // whom the keys are sealed to; filled in by Create
}

// Cluster is what the archive is of. ID is pki.Set's ClusterID.
type Cluster struct {
	Name string `json:"name"`
	ID   string `json:"id"`
}

// Versions are those that ran when it was taken.
type Versions struct {
	Kubernetes string `json:"kubernetes"` // 1.36.3
	Etcd       string `json:"etcd"`       // 3.6.16
	Slipway    string `json:"slipway"`
}

// Etcd is the member and what it held. IDs are in hex, as etcdctl prints them.
type Etcd struct {
	Cluster string `json:"cluster"`
	Member  string `json:"member"`
	// Revision is the last one in the snapshot. HashKV is the member's own hash of all keys and values at that revision, which
	// depends on the revision that was compacted last: the restored database must give the same three.
	Revision        int64    `json:"revision"`
	CompactRevision int64    `json:"compactRevision"`
	HashKV          uint32   `json:"hashKV"`
	Members         []Member `json:"members"`
}

// Member is one of the members that there were.
type Member struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Peer    string `json:"peer"`
	Client  string `json:"client,omitempty"`
	Learner bool   `json:"learner,omitempty"`
}

// Snapshot is the file that etcd gave, uncompressed, the sum at its end included.
type Snapshot struct {
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

func (m Manifest) encode() ([]byte, error) {
	b, err := json.MarshalIndent(m, "", "  ")
	return append(b, '\n'), err
}

// check is nil where whatever a restore goes by is there.
func (m Manifest) check() error {
	var missing []error
	for name, there := range map[string]bool{
		"taken": !m.Taken.IsZero(), "cluster.name": m.Cluster.Name != "", "cluster.id": m.Cluster.ID != "", "node": m.Node != "",
		"versions.kubernetes": m.Versions.Kubernetes != "", "versions.etcd": m.Versions.Etcd != "", "etcd.revision": m.Etcd.Revision > 0,
		"etcd.members": len(m.Etcd.Members) > 0,
	} {
		if !there {
			missing = append(missing, fmt.Errorf("%s says no %s", manifestEntry, name))
		}
	}
	return errors.Join(missing...)
}

// decodeManifest reads the format before all else: what another one means is not known here.
func decodeManifest(text []byte) (m Manifest, err error) {
	var is struct {
		Format int `json:"format"`
	}
	if err := json.Unmarshal(text, &is); err != nil {
		return m, fmt.Errorf("%s: %w", manifestEntry, err)
	}
	if is.Format != Format {
		return m, &FormatError{Format: is.Format}
	}
	in := json.NewDecoder(bytes.NewReader(text))
	in.DisallowUnknownFields()
	if err := in.Decode(&m); err != nil {
		return m, fmt.Errorf("%s: %w", manifestEntry, err)
	}
	return m, m.check()
}
