package ui

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/slipway/slipway/internal/drill"
)

// drilled is a report as a drill wrote it.
func drilled(t *testing.T) *drill.Report {
	t.Helper()
	return drilledOf(t, "report.json")
}

func drilledOf(t *testing.T, name string) *drill.Report {
	t.Helper()
	text, err := os.ReadFile("../drill/testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	r := &drill.Report{}
	if err := json.Unmarshal(text, r); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestDrill(t *testing.T) {
	r := drilled(t)
	o, stdout, _ := output(Text)
	if err := o.Drill(r); err != nil {
		t.Fatal(err)
	}
	golden(t, "drill-missed.txt", stdout.String())
	r.Met, r.Outages = true, nil
	for i := range r.Goals {
		r.Goals[i].Met = true
	}
	r.Writes.Lost = nil
	o, stdout, _ = output(Text)
	if err := o.Drill(r); err != nil {
		t.Fatal(err)
	}
	if text := stdout.String(); !strings.Contains(text, "✓ every goal met") || strings.Contains(text, "✗") {
		t.Error(text)
	}
}

// TestDrillRecovery: a cluster that was broken is told of with how it came back.
func TestDrillRecovery(t *testing.T) {
	r := drilledOf(t, "recovery.json")
	o, stdout, _ := output(Text)
	if err := o.Drill(r); err != nil {
		t.Fatal(err)
	}
	golden(t, "drill-recovery.txt", stdout.String())
	r.Recovery.Unending, r.Recovery.Whole, r.Writes.Lost = true, 0, []string{"write-00001: gone"}
	o, stdout, _ = output(Text)
	if err := o.Drill(r); err != nil {
		t.Fatal(err)
	}
	if text := stdout.String(); !strings.Contains(text, "never") || !strings.Contains(text, "not by the end") || !strings.Contains(text, "1 write lost that had to be there") {
		t.Error(text)
	}
}

// TestDrillJSON: what -o json prints is the report, whole.
func TestDrillJSON(t *testing.T) {
	r := drilled(t)
	o, stdout, _ := output(JSON)
	if err := o.Drill(r); err != nil {
		t.Fatal(err)
	}
	var back drill.Report
	if err := json.Unmarshal(stdout.Bytes(), &back); err != nil {
		t.Fatal(err)
	}
	if len(back.Samples) != len(r.Samples) || len(back.Stages) != len(r.Stages) || back.Cluster != "ha" {
		t.Errorf("%d samples, %d stages", len(back.Samples), len(back.Stages))
	}
}
