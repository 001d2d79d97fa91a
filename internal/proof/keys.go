package proof

import (
	"context"
	"fmt"
	"time"

	"github.com/slipway/slipway/pki"
)

// openKeys makes a whole PKI of the archive's keys, as a restore would; or of those that were given, where nobody is there to open the
// archive's. That such open with whose identity they are sealed to then stays to be seen.
func (r *run) openKeys(context.Context) error {
	began, files, whose := time.Now(), r.Keys, "the keys that were given"
	switch {
	case len(r.Identities) > 0:
		var err error
		if files, err = r.archive.Secrets(r.Identities...); err != nil {
			return err
		}
		whose = "its keys"
	case files == nil:
		r.open("that its keys can be read: no identity was given")
		return nil
	default:
		r.report.Given = true
		r.open("that its sealed keys can be opened: that was not tried, for want of an identity")
	}
	m := r.report.Manifest
	set, err := pki.Rebuild(map[string]map[string][]byte{m.Node: files})
	if err != nil {
		return fmt.Errorf("archive %s: %s: %w", r.Path, whose, err)
	}
	if id := set.ClusterID(); id != m.Cluster.ID {
		return fmt.Errorf("archive %s: %s are of cluster %s, and it is of %s", r.Path, whose, id, m.Cluster.ID)
	}
	r.keys = files
	did := "decrypt the keys"
	if r.report.Given {
		did = "take this machine's keys"
	}
	r.did(did, fmt.Sprintf("%d files; all authorities, the service-account pair and the key of Secrets are there", len(files)), began)
	return nil
}
