package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/slipway/slipway/internal/statedir"
	"github.com/slipway/slipway/pki"
)

// restoreCerts takes the PKI from the state directory or, where that is empty, from the archive; a bare snapshot has none, so that
// then the machines must. What is missing for new machines is issued by the same authorities. Nothing is kept yet.
func (r *Run) restoreCerts(ctx context.Context) (err error) {
	s := r.restore.source
	r.certs, err = r.stored()
	switch {
	case err == nil:
		err = r.agreeWithArchive()
	case !errors.Is(err, statedir.ErrEmpty):
	case s.name == "":
		if r.certs, err = r.recoverCerts(ctx); err == nil && r.certs == nil {
			err = &RestoreError{r.dir.Path() + " holds no keys, no machine does, and neither does a bare snapshot", "restore an archive, or bring the state directory back"}
		}
	case s.secrets == nil:
		err = &RestoreError{"the state directory is empty, and the keys in " + s.path + " are sealed", "open them with --identity FILE"}
	default:
		r.certs, err = pki.Rebuild(map[string]map[string][]byte{s.node: s.secrets})
	}
	if err != nil {
		return err
	}
	if err := r.guardForeign(); err != nil {
		return err
	}
	_, err = r.certs.Ensure(r.Cluster, time.Now())
	return err
}

// agreeWithArchive compares the keys that cannot be issued again, where both are known.
func (r *Run) agreeWithArchive() error {
	s := r.restore.source
	if s.secrets == nil || s.id != r.certs.ClusterID() {
		return nil
	}
	other, err := pki.Rebuild(map[string]map[string][]byte{s.node: s.secrets})
	if err != nil {
		return err
	}
	if string(other.EncryptionKey) != string(r.certs.EncryptionKey) || string(other.ServiceAccount.Key) != string(r.certs.ServiceAccount.Key) {
		return &RestoreError{fmt.Sprintf("%s and %s hold different keys of one cluster: Secrets and tokens of the one could not be read with the other", s.path, r.dir.Path()),
			"move the state directory aside, to have it rebuilt from the archive"}
	}
	return nil
}
