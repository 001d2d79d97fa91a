package bootstrap

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/slipway/slipway/internal/kube"
	"github.com/slipway/slipway/internal/kubeadm"
	"github.com/slipway/slipway/internal/spec"
)

// ExportKubeadm is the file of the cluster that kubeadm made and the kubeconfig leads to, for slipway plan --take-over. What
// Slipway would do otherwise than the cluster does stands in it as comments; what it cannot follow is a *kubeadm.RefusedError with
// every reason.
func ExportKubeadm(ctx context.Context, kubeconfig string) ([]byte, error) {
	client, err := kube.ConnectAs(kubeconfig)
	if err != nil {
		return nil, err
	}
	found, err := kubeadm.Read(ctx, client)
	if err != nil {
		return nil, err
	}
	ours, err := client.MadeNodes(ctx)
	if err != nil {
		return nil, err
	}
	switch {
	case len(ours) > 0:
		return nil, errors.New("this cluster is Slipway's already: use the file that it was applied with, or slipway export without --kubeconfig on one of its control planes")
	case found == nil:
		return nil, fmt.Errorf("this cluster was made neither by Slipway nor by kubeadm: it has no ConfigMap kube-system/%s", kubeadm.ConfigName)
	}
	c, findings := found.Spec()
	if err := kubeadm.Refused(findings); err != nil {
		return nil, err
	}
	text := append(preamble(c, findings), spec.Write(c)...)
	if _, err := spec.Read("export", spec.LoadOptions{NoSSH: true, Text: text}); err != nil {
		return nil, fmt.Errorf("the cluster is one that Slipway's file cannot say: %w", err)
	}
	return text, nil
}

// preamble tells a reader what to do with the file, and what he would miss later.
func preamble(c *spec.Cluster, findings []kubeadm.Finding) []byte {
	var out bytes.Buffer
	fmt.Fprintf(&out, "# The cluster %q that kubeadm made, of Kubernetes %s, written by slipway export.\n", c.Name, c.Kubernetes)
	out.WriteString("# Complete the ssh block, then let slipway plan -f FILE --take-over show what would change on which machine.\n")
	if len(findings) > 0 {
		out.WriteString("#\n# With Slipway these become otherwise than they are:\n")
	}
	for _, f := range findings {
		out.WriteString("# - " + strings.ReplaceAll(f.What, "\n", " ") + "\n")
	}
	out.WriteString("\n")
	return out.Bytes()
}
