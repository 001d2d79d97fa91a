package spec

import (
	"cmp"
	"path/filepath"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"k8s.io/apimachinery/pkg/util/validation"
)

// draft is a Cluster being read, and where its parts stand, for errors that concern several of them.
type draft struct {
	*loader
	*Cluster
	file       *block
	clusterAt  hcl.Range
	endpointAt hcl.Range
	podsAt     hcl.Range
	servicesAt hcl.Range
	nodes      []place // by index of Nodes
	// unsure is set when the load balancer or the endpoint could not be read.
	unsure bool
}

// cluster reads all blocks of the file, then checks what concerns several of them.
func (l *loader) cluster(path string, file *block) *Cluster {
	d := &draft{loader: l, Cluster: &Cluster{File: path}, file: file, clusterAt: file.defRange}
	top := l.section(file, l.scope(nil))
	d.readCluster(top)
	d.readLoadBalancer(top.sub("load_balancer"))
	d.SSH = d.readSSH(top.sub("ssh"), defaultSSH())
	d.readPKI(top.sub("pki"))
	d.readEtcd(top.sub("etcd"))
	d.readComponents(top)
	d.readKubelet(top.sub("kubelet"))
	d.readUpgrade(top.sub("upgrade"))
	d.readDrill(top.sub("drill"))
	d.readBackup(top.sub("backup"))
	d.readNodes()
	d.readNetwork(top.sub("network"))
	d.checkNodes()
	d.checkCounts()
	d.checkEndpoint()
	d.checkRanges()
	d.checkKnownHosts(top.sub("ssh"))
	d.digest, d.sources = l.inputs.digest(), l.files
	return d.Cluster
}

func (d *draft) readCluster(top section) {
	s := top.sub("cluster")
	if s.block == nil {
		d.errorf(d.file.defRange, "No cluster block", "The file must declare one cluster: cluster \"prod\" { kubernetes = %q }", newest(d.opts.SupportedKubernetes))
		d.unsure = true
		return
	}
	d.clusterAt = s.block.defRange
	d.Places.Cluster, d.Places.Kubernetes = d.clusterAt, s.at("kubernetes")
	d.Name = s.block.label
	if wrong := validation.IsDNS1123Label(d.Name); len(wrong) > 0 && !s.block.unlabelled() {
		d.errorf(s.block.labelRange, "Bad cluster name", "%q is not a name that can stand in certificates and paths: expected lower-case letters, digits and -, at most 63, such as prod-1.", d.Name)
		d.Name = ""
	}
	d.readVersion(s)
	d.readEndpoint(s)
	d.StateDir = filepath.Join(d.dir, ".slipway", d.Name)
	if path, ok := s.file("state", "state folder", nil); ok {
		d.StateDir = path
	}
	if path, ok := s.file("bundle", "bundle", nil); ok {
		d.Bundle = path
	}
	d.StateDir = cmp.Or(d.opts.StateDir, d.StateDir)
	d.Bundle = cmp.Or(d.opts.Bundle, d.Bundle)
}

func (d *draft) readVersion(s section) {
	v, ok := s.str("kubernetes")
	if !ok {
		return
	}
	if d.opts.Past && d.opts.Kubernetes != "" {
		d.Kubernetes = d.opts.Kubernetes
		return
	}
	supported := d.opts.SupportedKubernetes
	for _, known := range supported {
		if v == known {
			d.Kubernetes = cmp.Or(d.opts.Kubernetes, v)
			return
		}
	}
	hint := suggest(v, supported)
	for _, known := range supported {
		if strings.TrimPrefix(v, "v") == known || strings.HasPrefix(known, strings.TrimPrefix(v, "v")+".") {
			hint = " Write \"" + known + "\"."
		}
	}
	d.errorf(s.at("kubernetes"), "Unsupported Kubernetes version", "Slipway makes clusters of %s, and this is %q.%s", anyOf(supported), v, hint)
}

func newest(versions []string) string {
	if len(versions) == 0 {
		return ""
	}
	return versions[len(versions)-1]
}
