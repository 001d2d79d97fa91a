//go:build linux

package lab

import (
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// login opens an SSH session with nothing but what the lab's folder offers.
func login(t *testing.T, l *Lab, user, address string) (*ssh.Client, error) {
	t.Helper()
	raw, err := os.ReadFile(l.PrivateKey())
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.ParsePrivateKey(raw)
	if err != nil {
		t.Fatal(err)
	}
	known, err := knownhosts.New(l.KnownHosts())
	if err != nil {
		t.Fatal(err)
	}
	return ssh.Dial("tcp", net.JoinHostPort(address, "22"), &ssh.ClientConfig{
		User: user, Auth: []ssh.AuthMethod{ssh.PublicKeys(signer)}, HostKeyCallback: known, Timeout: 5 * time.Second,
	})
}

func testUsers(t *testing.T, l *Lab) {
	password, err := os.ReadFile(l.SudoPassword())
	if err != nil {
		t.Fatal(err)
	}
	six, err := login(t, l, "root", l.Address6(l.Machines()[0].Address).String())
	if err != nil {
		t.Fatalf("over IPv6: %v", err)
	}
	six.Close()
	for _, c := range []struct {
		user, command, stdin string
		ok                   bool
	}{
		{"root", "test $(id -u) = 0", "", true},
		{"admin", "test $(sudo -n id -u) = 0", "", true},
		{"ops", "sudo -n true", "", false},
		{"ops", "test $(sudo -S id -u) = 0", string(password), true},
		{"ops", "sudo -S true", "not the password\n", false},
	} {
		client, err := login(t, l, c.user, l.Machines()[0].Address.String())
		if err != nil {
			t.Fatalf("%s: %v", c.user, err)
		}
		session, err := client.NewSession()
		if err != nil {
			t.Fatal(err)
		}
		session.Stdin = strings.NewReader(c.stdin)
		if err := session.Run(c.command); (err == nil) != c.ok {
			t.Errorf("%s: %s: %v, want success %v", c.user, c.command, err, c.ok)
		}
		client.Close()
	}
}
