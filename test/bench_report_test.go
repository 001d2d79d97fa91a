//go:build bench

package test

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
	"text/template"
	"time"
)

// reportText is docs/results/bench.md. Numbers are the measured ones; words hold whatever they are.
const reportText = `# Benchmark: from bare machines to a cluster

Written by ` + "`make bench`" + `{{if ne .Runs 1}} with BENCH_RUNS={{.Runs}}{{end}}, commit {{.Commit}}, {{.Date}}, on {{.Machine}}.

Kubernetes {{.Kubernetes}}: three control planes, two workers and a shared address, on five lab machines
that are made anew for either side and share the processors above. Both sides install the same
executables and images, made beforehand. Before either starts, the processors were {{percent .Before.Slipway}} and {{percent .Before.Kubeadm}} busy
with other work. The clock runs from the first
connection until every node is Ready and every DaemonSet, Deployment and pod of kube-system is.

| | measured | goal |
|---|---|---|
| slipway, bare machines to all ready | {{seconds .Pair.Slipway.Total}} | |
| kubeadm, the same | {{seconds .Pair.Kubeadm.Total}} | |
| ratio | {{printf "%.2f" .Ratio}} | under 0.50: {{met .RatioMet}} |
| a second apply, whole process | {{seconds .Again.Median}} ({{seconds .Again.Least}} to {{seconds .Again.Most}}, {{.Again.Count}} runs) | under 2 s: {{met .Again.Met}} |
| memory of slipway's process, at most | {{.Memory}} MiB | under 150 MiB: {{met .MemoryMet}} |
{{if ne .Runs 1}}
All runs, slipway and kubeadm: {{.Totals}}. What follows is of the run with the middle ratio.
{{end}}
## slipway, stage by stage

| stage | time | processors busy | |
|---|---|---|---|
{{range .Pair.Slipway.Stages}}| {{.Name}} | {{seconds .Time}} | {{percent .Busy}} | {{.Note}} |
{{end}}| **total** | **{{seconds .Pair.Slipway.Total}}** | | the whole process, from its start to its exit |

The stage "machines" on {{.Slowest}}, the slowest:

| what | time |
|---|---|
{{range .Kinds}}| {{.Name}} | {{seconds .Time}} |
{{end}}
When each thing that slipway waits for came true, in seconds after the start of the process:

| condition | at |
|---|---|
{{range .Conditions}}| {{.Name}} | {{seconds .Time}} |
{{end}}
## kubeadm, stage by stage

| stage | time | processors busy | |
|---|---|---|---|
{{range .Pair.Kubeadm.Stages}}| {{.Name}} | {{seconds .Time}} | {{percent .Busy}} | {{.Note}} |
{{end}}| **total** | **{{seconds .Pair.Kubeadm.Total}}** | | |

kubeadm is scripted over OpenSSH with everything at once that can be: after init, both further control
planes, both workers and the addons. Its machines get slipway's settings of containerd, slipway's
HAProxy and keepalived (on port 8443, since kubeadm's API servers take 6443 on all addresses) and
slipway's manifests of flannel and metrics-server; CoreDNS and kube-proxy are set up by kubeadm itself.

## What the time is spent on

{{.Story}}
`

// row is one line of a table.
type row struct {
	Name, Note string
	Time       float64 // seconds
	Busy       float64
}

type side struct {
	Total  float64
	Stages []row
}

func sideOf(c course) side {
	s := side{Total: c.total.Seconds()}
	for _, stage := range c.stages {
		s.Stages = append(s.Stages, row{stage.name, stage.note, stage.seconds(), stage.busy})
	}
	return s
}

func (b *bench) report(pairs []pair) (string, error) {
	var totals []string
	var again []time.Duration
	var memory int64
	for _, p := range pairs {
		totals = append(totals, fmt.Sprintf("%.1f and %.1f s", p.slipway.total.Seconds(), p.kubeadm.total.Seconds()))
		again = append(again, p.slipway.again...)
		memory = max(memory, p.slipway.memory)
	}
	slices.SortFunc(pairs, func(a, b pair) int { return cmp.Compare(a.ratio(), b.ratio()) })
	slices.Sort(again)
	p := pairs[len(pairs)/2]
	commit, err := sourceCommit(b.root)
	if err != nil {
		return "", err
	}
	machine, err := thisMachine()
	if err != nil {
		return "", err
	}
	slowest, kinds := kindsOf(p.slipway.events)
	median := again[len(again)/2]
	data := map[string]any{
		"Runs": len(pairs), "Commit": commit, "Date": time.Now().UTC().Format("2006-01-02"), "Machine": machine, "Kubernetes": kubernetesVersion(),
		"Pair":  map[string]side{"Slipway": sideOf(p.slipway.course), "Kubeadm": sideOf(p.kubeadm)},
		"Ratio": p.ratio(), "RatioMet": p.ratio() < 0.5, "Totals": strings.Join(totals, ", "),
		"Again":  map[string]any{"Median": median.Seconds(), "Least": again[0].Seconds(), "Most": again[len(again)-1].Seconds(), "Count": len(again), "Met": median < 2*time.Second},
		"Before": map[string]float64{"Slipway": p.slipway.before, "Kubeadm": p.kubeadm.before},
		"Memory": memory >> 20, "MemoryMet": memory < 150<<20,
		"Slowest": slowest, "Kinds": kinds, "Conditions": conditionsOf(p.slipway.events), "Story": story(p),
	}
	t, err := template.New("").Option("missingkey=error").Funcs(template.FuncMap{
		"seconds": func(s float64) string { return fmt.Sprintf("%.1f s", s) },
		"percent": func(s float64) string { return fmt.Sprintf("%.0f %%", 100*s) },
		"met": func(yes bool) string {
			if yes {
				return "met"
			}
			return "**missed**"
		},
	}).Parse(reportText)
	if err != nil {
		return "", err
	}
	var out bytes.Buffer
	if err := t.Execute(&out, data); err != nil {
		return "", err
	}
	return out.String(), nil
}
