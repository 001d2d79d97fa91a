package components

import (
	"fmt"

	"github.com/slipway/slipway/pki"
)

// Handover is what a machine needs to become a control plane beside those that there are, by the path at which they
// hold it: the authorities with their keys, the service accounts' pair, and the key that seals Secrets. All of it is
// secret. pki.Rebuild makes a Set of it.
func (in *Input) Handover() (map[string][]byte, error) {
	encryption, err := encode(in.encryption())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", pki.EncryptionPath, err)
	}
	out := map[string][]byte{pki.EncryptionPath: encryption}
	for _, r := range append(in.authorityFiles(), in.caFile()) {
		out[r.File.Path] = r.File.Content
	}
	return out, nil
}
