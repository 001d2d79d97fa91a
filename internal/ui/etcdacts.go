package ui

import (
	"fmt"
	"io"

	"github.com/slipway/slipway/internal/status"
)

// EtcdSnapshot answers with what was taken.
func (o *Output) EtcdSnapshot(t *status.Snapshot) error {
	return o.Value(t, func(w io.Writer) error {
		checked := "sum and data verified"
		if !t.Compared {
			checked = "sum verified, data not compared"
		}
		_, err := fmt.Fprintf(w, "%s\n%s of %s at revision %d, hash %s, %s, in %.1f s\n", t.Path, size(t.Bytes), clean(t.Member), t.Revision, t.Hash, checked, t.Seconds)
		if err == nil && !t.Quorum {
			_, err = fmt.Fprintln(w, o.out.warn.Render(o.out.alert+" taken without quorum: what only members that do not answer had written is not in it"))
		}
		return err
	})
}

// EtcdDefragmented answers with what became of each member.
func (o *Output) EtcdDefragmented(done []status.Defragmented) error {
	var rows [][]string
	var freed int64
	for _, d := range done {
		if d.Skipped != "" {
			rows = append(rows, []string{o.out.bold.Render(clean(d.Member)), size(d.Before), "", "", "", o.out.dim.Render("left as it is: " + d.Skipped)})
			continue
		}
		freed += d.Freed
		rows = append(rows, []string{o.out.bold.Render(clean(d.Member)), size(d.Before), size(d.After), size(max(0, d.Freed)), fmt.Sprintf("%.1f s", d.Seconds), ""})
	}
	if done == nil {
		done = []status.Defragmented{}
	}
	if err := o.Table(done, []string{"member", "before", "after", "freed", "took", ""}, rows); err != nil {
		return err
	}
	o.Note("%s freed.", size(max(0, freed)))
	return nil
}

// EtcdMembership answers with a change of the membership.
func (o *Output) EtcdMembership(m *status.Membership, what string) error {
	return o.Value(m, func(w io.Writer) error {
		id := ""
		if m.ID != "" {
			id = " (" + m.ID + ")"
		}
		_, err := fmt.Fprintf(w, "%s%s %s: before, %s; now, %s\n", clean(m.Member), id, what, majority(m.Before), majority(m.After))
		if err == nil && m.Snapshot != "" {
			_, err = fmt.Fprintf(w, "What etcd held before is in %s.\n", m.Snapshot)
		}
		for _, n := range m.Notes {
			if err == nil {
				_, err = fmt.Fprintf(w, "%s %s\n", o.out.accent.Render(o.out.to), n)
			}
		}
		return err
	})
}

// majority is "2 of 3 voters healthy, none may fail".
func majority(m status.Majority) string {
	may := fmt.Sprintf("%d may fail", m.Tolerates)
	if m.Tolerates == 0 {
		may = "none may fail"
	}
	return fmt.Sprintf("%d of %d voters healthy, %s", m.Voting, m.Voters, may)
}

// EtcdAlarms answers with alarms.
func (o *Output) EtcdAlarms(alarms []status.Alarm) error {
	var rows [][]string
	for _, a := range alarms {
		rows = append(rows, []string{o.out.bad.Render(a.Kind), clean(a.Member), a.ID})
	}
	if alarms == nil {
		alarms = []status.Alarm{}
	}
	if len(rows) == 0 && o.format == Text {
		o.Note("No member has an alarm.")
		return nil
	}
	return o.Table(alarms, []string{"alarm", "member", "id"}, rows)
}

// Majority is how m is told in a question.
func Majority(m status.Majority) string { return majority(m) }
