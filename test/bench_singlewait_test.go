//go:build bench

package test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/template"
	"time"

	"github.com/slipway/slipway/internal/kube"
)

var onlyMachine = benchMachines[:1]

// admin is a client with the administrator's rights, as soon as the machine has them.
func (k *kubeadmSide) admin() (*kube.Client, error) {
	text, err := os.ReadFile(filepath.Join(k.c.labDir(), "machines", "cp-1", "root", "etc", "kubernetes", "admin.conf"))
	if err != nil {
		return nil, err
	}
	return dial(text)
}

// watchReady is when the node became Ready, for both sides in the same way; 0 if it did not.
func (k *kubeadmSide) watchReady(ctx context.Context, start time.Time) time.Duration {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	err := until(ctx, func() error {
		client, err := k.admin()
		if err != nil {
			return err
		}
		return client.NodesReady(ctx, onlyMachine)
	})
	if err != nil {
		return 0
	}
	return time.Since(start)
}

func (k *kubeadmSide) waitSingle() error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	client, err := k.admin()
	if err != nil {
		return err
	}
	return until(ctx, func() error { return errors.Join(client.NodesReady(ctx, onlyMachine), client.SystemReady(ctx)) })
}

const singleReport = `# Benchmark: one machine, slipway init against kubeadm init

Written by ` + "`make bench`" + ` (TestBenchSingle), commit {{.Commit}}, {{.Date}}, on {{.Machine}}.

Kubernetes {{.Kubernetes}} on one lab machine that is made anew for either side; the same executables, images and addons.
Before either started, the processors were {{percent .Slipway.Before}} and {{percent .Kubeadm.Before}} busy with other work. The clock runs from the
first byte that is sent to the bare machine.

| until | slipway | kubeadm | ratio |
|---|---|---|---|
| the node is Ready | {{seconds .Slipway.Ready}} | {{seconds .Kubeadm.Ready}} | {{printf "%.2f" .Ratio.Ready}} |
| every DaemonSet, Deployment and pod of kube-system is ready | {{seconds .Slipway.Total}} | {{seconds .Kubeadm.Total}} | {{printf "%.2f" .Ratio.Total}} |

Goal: no slower than kubeadm from bare host to Ready: {{if .Met}}met{{else}}**missed**{{end}}.{{if ne .Runs 1}} All runs, slipway and kubeadm, Ready and all ready: {{.All}}. The tables are of the run with the middle ratio.{{end}}
{{range .Sides}}
## {{.Name}}

| stage | time | processors busy | |
|---|---|---|---|
{{range .Stages}}| {{.Name}} | {{seconds .Time}} | {{percent .Busy}} | {{.Note}} |
{{end}}{{end}}
kubeadm's machine gets slipway's settings of containerd and slipway's manifests of flannel and metrics-server; CoreDNS and
kube-proxy are set up by kubeadm itself.
`

func (b *bench) reportSingle(t *testing.T, pairs [][2]singleCourse) {
	t.Helper()
	ratio := func(p [2]singleCourse) float64 { return p[0].ready.Seconds() / p[1].ready.Seconds() }
	var all []string
	for _, p := range pairs {
		all = append(all, fmt.Sprintf("%.1f and %.1f s, %.1f and %.1f s", p[0].ready.Seconds(), p[1].ready.Seconds(), p[0].total.Seconds(), p[1].total.Seconds()))
	}
	slices.SortFunc(pairs, func(x, y [2]singleCourse) int { return int(1e6 * (ratio(x) - ratio(y))) })
	p := pairs[len(pairs)/2]
	commit, err := sourceCommit(b.root)
	if err != nil {
		t.Fatal(err)
	}
	machine, err := thisMachine()
	if err != nil {
		t.Fatal(err)
	}
	side := func(c singleCourse) map[string]float64 {
		return map[string]float64{"Before": c.before, "Ready": c.ready.Seconds(), "Total": c.total.Seconds()}
	}
	type stages struct {
		Name   string
		Stages []row
	}
	data := map[string]any{
		"Commit": commit, "Date": time.Now().UTC().Format(time.DateOnly), "Machine": machine, "Kubernetes": kubernetesVersion(),
		"Slipway": side(p[0]), "Kubeadm": side(p[1]), "Met": ratio(p) <= 1, "Runs": len(pairs), "All": strings.Join(all, "; "),
		"Ratio": map[string]float64{"Ready": ratio(p), "Total": p[0].total.Seconds() / p[1].total.Seconds()},
		"Sides": []stages{{"slipway, stage by stage", sideOf(p[0].course).Stages}, {"kubeadm, stage by stage", sideOf(p[1].course).Stages}},
	}
	var out bytes.Buffer
	err = template.Must(template.New("").Option("missingkey=error").Funcs(template.FuncMap{
		"seconds": func(s float64) string { return fmt.Sprintf("%.1f s", s) },
		"percent": func(s float64) string { return fmt.Sprintf("%.0f %%", 100*s) },
	}).Parse(singleReport)).Execute(&out, data)
	if err != nil {
		t.Fatal(err)
	}
	t.Log("\n" + out.String())
	if err := os.WriteFile(filepath.Join(b.root, "docs", "results", "bench-single.md"), out.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}
