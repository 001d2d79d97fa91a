package spec

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// path makes an absolute path of one in the file: ~ is the home folder, anything else that is not
// absolute is relative to the file.
func (l *loader) path(p string) (string, error) {
	switch {
	case p == "":
		return "", errors.New("the path is empty")
	case strings.ContainsFunc(p, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return "", errors.New("the path holds a control character")
	case p == "~" || strings.HasPrefix(p, "~/"):
		home, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("~ has no meaning here: %w", err)
		}
		return filepath.Join(home, p[1:]), nil
	case strings.HasPrefix(p, "~"):
		return "", fmt.Errorf("other users' home folders (%s) are not looked up; write the path in full", p)
	case filepath.IsAbs(p):
		return filepath.Clean(p), nil
	}
	return filepath.Join(l.dir, p), nil
}

// file reads an attribute that is a path, and has check look at what is there.
// The check of one path runs once, however many nodes name it.
func (s section) file(name, kind string, check func(path string) error) (string, bool) {
	written, ok := s.str(name)
	if !ok {
		return "", false
	}
	if strings.Contains(written, "PRIVATE KEY-----") {
		s.errorf(s.at(name), "Secret in the file",
			"%s takes the path of a file, and this is a private key itself. Keep the key in a file of its own with mode 0600 and name that.", name)
		return "", false
	}
	path, err := s.path(written)
	if err != nil {
		s.errorf(s.at(name), fmt.Sprintf("Bad path in %q", name), "Expected the path of a %s, but %s.", kind, err)
		return "", false
	}
	if check == nil || s.opts.NoSSH {
		return path, true
	}
	wrong, known := s.seen[name+" "+path]
	if !known {
		if err := check(path); err != nil {
			wrong = err.Error()
		}
		s.seen[name+" "+path] = wrong
	}
	if wrong != "" {
		s.errorf(s.at(name), fmt.Sprintf("Unusable %s", kind), "%s: %s", written, sentence(wrong))
		return "", false
	}
	return path, true
}

// secretFile refuses a file that others may read, as ssh does.
func secretFile(path string) ([]byte, error) {
	content, err := readLimited(path)
	if err != nil {
		return nil, fmt.Errorf("%s. Expected a file that your user can read; a relative path is taken from the cluster file's folder", reason(err))
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return nil, fmt.Errorf("its mode is %04o, so others than you may read it. Set it right: chmod 600 %s", mode, path)
	}
	return content, nil
}

// privateKey refuses what is not an SSH private key. One with a passphrase passes: the agent may hold it.
func privateKey(path string) error {
	pem, err := secretFile(path)
	if err != nil {
		return err
	}
	var locked *ssh.PassphraseMissingError
	if _, err = ssh.ParseRawPrivateKey(pem); err == nil || errors.As(err, &locked) {
		return nil
	}
	if _, _, _, _, err := ssh.ParseAuthorizedKey(pem); err == nil {
		return errors.New("this is a public key. Name the private one: the same path without .pub")
	}
	return errors.New("this is not an SSH private key. Expected a key as ssh-keygen makes it (OpenSSH or PEM)")
}

func passwordFile(path string) error {
	content, err := secretFile(path)
	if err == nil && len(bytes.TrimSpace(content)) == 0 {
		err = errors.New("the file is empty. Expected the sudo password on its first line")
	}
	return err
}

func knownHosts(path string) error {
	if _, err := readLimited(path); err != nil {
		return fmt.Errorf("%s. Every machine's host key is checked against this file. Collect the keys once with "+
			"ssh-keyscan, compare their fingerprints with those on the machines' consoles, and keep them here", reason(err))
	}
	if _, err := knownhosts.New(path); err != nil {
		what := strings.ReplaceAll(strings.TrimPrefix(err.Error(), "knownhosts: "), path+":", "line ")
		return fmt.Errorf("%s. Expected lines of ssh's known_hosts form: HOST TYPE KEY", what)
	}
	return nil
}
