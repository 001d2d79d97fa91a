//go:build bench

package test

import (
	"bytes"
	"fmt"
	"runtime"
	"text/template"
	"time"
)

const upgradeReport = `# Benchmark: an upgrade, {{.From}} to {{.To}}

Written by ` + "`make bench`" + ` (` + "`go test -tags bench -run TestBenchUpgrade ./test`" + `), commit {{.Commit}}, {{.Date}}, on {{.Machine}}.

{{.What}} and a shared address, on lab machines that are made anew for either side and share the
processors above. Both sides get the same executables and images, and of them only what is new; both have the cluster whole and at rest when
the clock starts, and the clock stops when every node is Ready at the new version and takes pods, and every DaemonSet, Deployment and pod of
kube-system is ready. Meanwhile clients write to and read from the API, {{.Rate}} requests a second through the shared address, each by a
connection of its own. Before either started, the processors were {{percent .Slipway.Before}} and {{percent .Kubeadm.Before}} busy with the clusters at rest and other work.

| | slipway | kubeadm |
|---|---|---|
| time | {{seconds .Slipway.Total}} | {{seconds .Kubeadm.Total}} |
| processor time, of all machines and of who drives and asks them | {{seconds .Slipway.Work}} | {{seconds .Kubeadm.Work}} |
| processors busy | {{percent .Slipway.Busy}} | {{percent .Kubeadm.Busy}} |
| requests to the API, failed | {{.Slipway.Failed}} | {{.Kubeadm.Failed}} |
| failed also with one retry | {{.Slipway.FailedTwice}} | {{.Kubeadm.FailedTwice}} |
| longest outage | {{.Slipway.Outage}} | {{.Kubeadm.Outage}} |
| slowest answer, retry included | {{seconds .Slipway.Slowest}} | {{seconds .Kubeadm.Slowest}} |

Slipway's time is **{{printf "%.2f" .Ratio}}** of kubeadm's. Goal, under 0.50: {{if .Met}}met{{else}}**missed**{{end}}.
{{range .Sides}}
## {{.Name}}, stage by stage

| stage | time | processors busy | |
|---|---|---|---|
{{range .Stages}}| {{.Name}} | {{seconds .Time}} | {{percent .Busy}} | {{.Note}} |
{{end}}| **total** | **{{seconds .Total}}** | | {{.End}} |
{{end}}
The longest that slipway waited, or worked at one thing, on one machine; each line ends with what came after that time:

| stage | machine | time | until |
|---|---|---|---|
{{range .Waits}}| {{.Stage}} | {{.Node}} | {{seconds .Time}} | {{.Until}} |
{{end}}
## How kubeadm is driven

As [its documentation](https://kubernetes.io/docs/tasks/administer-cluster/kubeadm/kubeadm-upgrade/) says, by a script over OpenSSH in which nothing sleeps:
what is new is sent to all machines and the images are imported there, on all at once and ahead of time. Then one machine after the other, the
first with ` + "`kubeadm upgrade apply`" + `, all others with ` + "`kubeadm upgrade node`" + `: kubeadm, drain, the new kubelet, wait until the node is Ready at the new
version, uncordon. Control planes are drained as well, as is documented. Draining and waiting are done from the outside by kubectl's packages, polling
every 200 ms, as slipway does. kubeadm {{.To}} also made the cluster of {{.From}}, which it supports.

In kubeadm's favour: etcd is of one version on both sides and is left alone by ` + "`--etcd-upgrade=false`" + `, and nobody takes a snapshot of it, as slipway does; nothing
is waited for between machines but the node, where slipway also waits for kube-system's pods and for the cluster's DNS to answer through the node's proxy.
`

// report is docs/results/bench-upgrade.md. Numbers are the measured ones; words hold whatever they are.
func (u *upgradeBench) report(slipway, kubeadm upgradeRun) (string, error) {
	commit, err := sourceCommit(u.to.root)
	if err != nil {
		return "", err
	}
	machine, err := thisMachine()
	if err != nil {
		return "", err
	}
	counted := map[string]int{}
	for _, m := range benchMachines {
		counted[roleOf(m)]++
	}
	figures := func(r upgradeRun) map[string]any {
		return map[string]any{
			"Before": r.before, "Total": r.total.Seconds(), "Busy": r.busy, "Work": r.busy * r.total.Seconds() * float64(runtime.NumCPU()),
			"Failed":      fmt.Sprintf("%d of %d, %.2f %%", r.seen.API.Failed, r.seen.API.Requests, 100*float64(r.seen.API.Failed)/float64(r.seen.API.Requests)),
			"FailedTwice": r.seen.API.FailedTwice, "Outage": outageOf(r.seen, r.stages), "Slowest": r.seen.API.Max,
		}
	}
	type stages struct {
		side
		Name, End string
	}
	ratio := slipway.total.Seconds() / kubeadm.total.Seconds()
	data := map[string]any{
		"From": upgradeFrom, "To": upgradeTo, "Commit": commit, "Date": time.Now().UTC().Format(time.DateOnly), "Machine": machine, "Rate": askedRate,
		"What":    fmt.Sprintf("Control planes: %d, workers: %d", counted["control-plane"], counted["worker"]),
		"Slipway": figures(slipway), "Kubeadm": figures(kubeadm), "Ratio": ratio, "Met": ratio < 0.5, "Waits": waitsOf(slipway.events, 12),
		"Sides": []stages{
			{sideOf(slipway.course), "slipway", "the whole process of `slipway apply`, from its start to its exit"},
			{sideOf(kubeadm.course), "kubeadm", ""},
		},
	}
	var out bytes.Buffer
	err = template.Must(template.New("").Option("missingkey=error").Funcs(template.FuncMap{
		"seconds": func(s float64) string { return fmt.Sprintf("%.1f s", s) },
		"percent": func(s float64) string { return fmt.Sprintf("%.0f %%", 100*s) },
	}).Parse(upgradeReport)).Execute(&out, data)
	return out.String(), err
}
