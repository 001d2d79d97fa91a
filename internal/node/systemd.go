//go:build linux

package node

import (
	"bufio"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/slipway/slipway/internal/layout"
)

// unitStatus is what systemd says of one unit.
type unitStatus struct {
	Load    string // loaded, not-found, masked
	Active  string // active, inactive, failed, activating …
	Sub     string // running, exited, auto-restart …
	Enabled string // enabled, disabled, static …
	Stale   bool   // its file has changed since systemd read it
	Path    string // of its file
}

func (s unitStatus) String() string {
	if s.Load != "loaded" {
		return s.Load
	}
	text := s.Active
	if s.Sub != "" && s.Sub != s.Active {
		text += " (" + s.Sub + ")"
	}
	if s.Enabled != "" {
		text += ", " + s.Enabled
	}
	return text
}

// unitStatuses asks systemd for all units in one call, which takes as long as for one.
func unitStatuses(ctx context.Context, names []string) (map[string]unitStatus, error) {
	out := map[string]unitStatus{}
	if len(names) == 0 {
		return out, nil
	}
	argv := append([]string{"systemctl", "show", "--property=Id,LoadState,ActiveState,SubState,UnitFileState,NeedDaemonReload,FragmentPath", "--"}, names...)
	text, err := output(ctx, nil, argv...)
	if err != nil {
		return nil, fmt.Errorf("ask systemd, which must be this machine's init: %w", err)
	}
	// One paragraph per unit, in the order asked for: an alias shows another Id.
	paragraphs := strings.Split(strings.TrimSpace(text), "\n\n")
	if len(paragraphs) != len(names) {
		return nil, fmt.Errorf("systemctl show told of %d units, asked for %d: %.200q", len(paragraphs), len(names), text)
	}
	for i, p := range paragraphs {
		out[names[i]] = parseUnitStatus(p)
	}
	return out, nil
}

func parseUnitStatus(paragraph string) (s unitStatus) {
	lines := bufio.NewScanner(strings.NewReader(paragraph))
	for lines.Scan() {
		key, value, _ := strings.Cut(lines.Text(), "=")
		switch key {
		case "LoadState":
			s.Load = value
		case "ActiveState":
			s.Active = value
		case "SubState":
			s.Sub = value
		case "UnitFileState":
			s.Enabled = value
		case "NeedDaemonReload":
			s.Stale = s.Stale || value == "yes"
		case "FragmentPath":
			s.Path = value
		}
	}
	return s
}

// status is what the pass knows of a unit, asking for all of them when it knows nothing.
func (p *pass) status(ctx context.Context, name string) (unitStatus, error) {
	if p.units == nil {
		units, err := unitStatuses(ctx, p.unitNames)
		if err != nil {
			return unitStatus{}, err
		}
		for name, s := range units {
			// systemd tells of a changed file, but not of one that has come before it.
			if _, ours := p.resources["file "+layout.Units+"/"+name]; ours && s.Load == "loaded" && s.Path != "" && s.Path != layout.Units+"/"+name {
				s.Stale = true
				units[name] = s
			}
		}
		p.units = units
	}
	return p.units[name], nil
}

// reloadUnits makes systemd read unit files again.
func (p *pass) reloadUnits(ctx context.Context) error {
	p.units = nil
	_, err := output(ctx, nil, "systemctl", "daemon-reload")
	return err
}

// unitPatience is how long a unit may take from its start until it is active.
const unitPatience = 90 * time.Second

// awaitActive waits until the unit is active. A unit that has failed, or that systemd has had to
// start again three times, is an error with the end of its journal.
func awaitActive(ctx context.Context, name string, startErr error) error {
	deadline := time.Now().Add(unitPatience)
	for {
		text, err := output(ctx, nil, "systemctl", "show", "--property=ActiveState,SubState,NRestarts,LoadState", "--", name)
		if err != nil {
			return err
		}
		s := parseUnitStatus(text)
		if s.Active == "active" {
			return nil
		}
		restarted := strings.Contains(text, "NRestarts=") && !strings.Contains(text, "NRestarts=0") &&
			!strings.Contains(text, "NRestarts=1\n") && !strings.Contains(text, "NRestarts=2\n")
		if s.Active != "activating" || restarted || time.Now().After(deadline) {
			return unitError(ctx, name, s, startErr)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// unitError tells why a unit is not active.
func unitError(ctx context.Context, name string, s unitStatus, startErr error) error {
	msg := fmt.Sprintf("did not become active, it is %s", s)
	if startErr != nil {
		msg += ": " + startErr.Error()
	}
	journal, err := output(ctx, nil, "journalctl", "--no-pager", "--quiet", "--output=cat", "--lines=15", "--unit="+name)
	if err != nil {
		return fmt.Errorf("%s; its journal cannot be read: %w", msg, err)
	}
	return fmt.Errorf("%s; the end of its journal:\n%s", msg, tail(journal, 3000))
}
