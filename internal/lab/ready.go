//go:build linux

package lab

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/slipway/slipway/internal/event"
)

// bootTimeout is how long a machine may take to boot; on two busy cores five take about four seconds.
const bootTimeout = 90 * time.Second

// ready waits until the machine's sshd answers and its systemd has finished booting.
func (m instance) ready(ctx context.Context, sink event.Sink) error {
	begin := time.Now()
	ctx, cancel := context.WithTimeout(ctx, bootTimeout)
	defer cancel()
	var last error
	for _, condition := range []func(context.Context) error{m.sshAnswers, m.booted} {
		for {
			if last = condition(ctx); last == nil {
				break
			}
			if pids, err := m.keepers(); err == nil && len(pids) == 0 && time.Since(begin) > time.Second {
				last = errors.Join(last, errors.New("the machine is off"))
				cancel()
			}
			select {
			case <-ctx.Done():
				return fmt.Errorf("machine %s (%s) does not boot: %w\nend of %s:\n%s", m.Name, m.Address, last, m.console(), m.consoleTail())
			case <-time.After(50 * time.Millisecond):
			}
		}
	}
	sink.Emit(event.Event{Kind: event.Done, Node: m.Name, Subject: "machine", Message: fmt.Sprintf("%s answers after %.1f s", m.Address, time.Since(begin).Seconds())})
	return nil
}

// sshAnswers reads sshd's banner.
func (m instance) sshAnswers(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", net.JoinHostPort(m.Address.String(), "22"))
	if err != nil {
		return err
	}
	defer conn.Close()
	_ = conn.SetReadDeadline(time.Now().Add(2 * time.Second))
	banner, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		return fmt.Errorf("read sshd's banner: %w", err)
	}
	if !strings.HasPrefix(banner, "SSH-2.0-") {
		return fmt.Errorf("port 22 answers %q, which is not sshd", banner)
	}
	return nil
}

// booted waits for systemd's start jobs. A degraded machine is up too: units may fail by the user's doing.
func (m instance) booted(ctx context.Context) error {
	cmd, err := m.command(ctx, "systemctl", "is-system-running", "--wait")
	if err != nil {
		return err
	}
	out, err := cmd.Output() // exits 1 when degraded
	if state := strings.TrimSpace(string(out)); state != "running" && state != "degraded" {
		return fmt.Errorf("systemd is %q: %w", state, err)
	}
	return nil
}

func (m instance) consoleTail() string {
	raw, err := os.ReadFile(m.console())
	if err != nil {
		return err.Error()
	}
	return tail(raw, 2048)
}
