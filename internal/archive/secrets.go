package archive

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"filippo.io/age"
)

// sealed is what is encrypted. The manifest's sum holds the keys to the rest of their archive, above all to the snapshot's sum
// there: a snapshot that was exchanged is noticed by whoever can read the keys.
type sealed struct {
	Manifest string            `json:"manifest"` // sha256 of manifest.json, in hex
	Files    map[string][]byte `json:"files"`    // by their paths on a control plane
}

func seal(s sealed, recipients []Recipient) ([]byte, error) {
	var keys []age.Recipient
	for _, r := range recipients {
		keys = append(keys, r.key)
	}
	text, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	w, err := age.Encrypt(&out, keys...)
	if err != nil {
		return nil, fmt.Errorf("encrypt the keys: %w", err)
	}
	if _, err := w.Write(text); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// Secrets decrypts the keys: files by their paths on a control plane, as pki.Rebuild takes them. The error is a
// *WrongKeyError where the archive is sealed to others.
func (a *Archive) Secrets(identities ...Identity) (map[string][]byte, error) {
	wrong := &WrongKeyError{Path: a.path, Recipients: a.manifest.Recipients, Tried: len(identities)}
	if len(identities) == 0 {
		return nil, wrong
	}
	r, err := age.Decrypt(bytes.NewReader(a.sealed), identities...)
	var none *age.NoIdentityMatchError
	if errors.As(err, &none) {
		return nil, wrong
	}
	if err != nil {
		return nil, a.damaged("decrypt %s: %v", secretsEntry, err)
	}
	text, err := io.ReadAll(io.LimitReader(r, mostSecrets+1))
	if err != nil {
		return nil, a.damaged("decrypt %s: %v", secretsEntry, err)
	}
	var s sealed
	if err := json.Unmarshal(text, &s); err != nil {
		return nil, a.damaged("%s does not hold keys as slipway writes them", secretsEntry)
	}
	if s.Manifest != a.manifestSum {
		return nil, a.damaged("%s is of another archive than the rest: somebody put them together", secretsEntry)
	}
	return s.Files, nil
}
