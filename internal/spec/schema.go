package spec

import "github.com/zclconf/go-cty/cty"

// blockType is the shape of one kind of block: everything the loader knows how to read.
// docs/spec.md is tested against this table.
type blockType struct {
	name   string
	label  string // what the label is, "" for a block without one
	once   bool   // may stand only once in its parent
	attrs  []attribute
	blocks []*blockType
	open   bool // any attribute name is taken: locals
}

// attribute is one setting of a block.
type attribute struct {
	name     string
	typ      cty.Type // NilType: an expression that its reader interprets itself
	required bool
}

func optional(name string, typ cty.Type) attribute { return attribute{name: name, typ: typ} }
func required(name string, typ cty.Type) attribute { return attribute{name, typ, true} }

// fileType is the whole file. It is built afresh on each call, so nobody can change it for others.
func fileType() *blockType {
	return &blockType{name: "the file", blocks: []*blockType{
		{name: "cluster", label: "the cluster's name", once: true, attrs: []attribute{
			required("kubernetes", cty.String),
			optional("endpoint", cty.String),
			optional("state", cty.String),
			optional("bundle", cty.String),
		}},
		{name: "load_balancer", label: `its kind: "vip", "node_local" or "external"`, once: true, attrs: []attribute{
			optional("interface", cty.String),
			optional("router_id", cty.Number),
			optional("port", cty.Number),
		}},
		{name: "network", once: true, attrs: []attribute{
			optional("pods", cty.String),
			optional("services", cty.String),
			optional("proxy", cty.String),
			optional("backend", cty.String),
			optional("dns", cty.String),
			optional("node_ports", cty.String),
		}},
		sshType(false),
		{name: "pki", once: true, attrs: []attribute{
			optional("algorithm", cty.String),
			optional("ca_lifetime", cty.String),
			optional("lifetime", cty.String),
			optional("extra_sans", cty.List(cty.String)),
		}},
		{name: "etcd", once: true, attrs: []attribute{
			optional("quota_gib", cty.Number),
			optional("allow_slow_disk", cty.Bool),
		}},
		{name: "component", label: `its name, such as "kube-apiserver"`, attrs: []attribute{
			required("flags", cty.Map(cty.String)),
		}},
		{name: "kubelet", once: true, attrs: []attribute{
			optional("max_pods", cty.Number),
			optional("eviction_hard", cty.Map(cty.String)),
			optional("image_gc_high_threshold_percent", cty.Number),
			optional("image_gc_low_threshold_percent", cty.Number),
		}},
		{name: "upgrade", once: true, attrs: []attribute{
			optional("max_unavailable", cty.String),
			optional("drain_timeout", cty.String),
			optional("gate_timeout", cty.String),
			optional("delete_bare_pods", cty.Bool),
		}},
		{name: "drill", once: true, attrs: []attribute{
			optional("allow", cty.List(cty.String)),
		}},
		{name: "backup", once: true, attrs: []attribute{
			required("schedule", cty.String),
			required("recipients", cty.List(cty.String)),
			optional("retain", cty.Number),
			optional("directory", cty.String),
			optional("verify", cty.String),
		}, blocks: []*blockType{{name: "s3", once: true, attrs: []attribute{
			required("endpoint", cty.String),
			required("bucket", cty.String),
			optional("prefix", cty.String),
			optional("region", cty.String),
			optional("credentials", cty.String),
			optional("ca", cty.String),
			optional("insecure", cty.Bool),
		}}}},
		{name: "node", label: "the node's name", attrs: []attribute{
			optional("for_each", cty.NilType),
			optional("name", cty.String),
			required("role", cty.String),
			required("address", cty.String),
			optional("ssh_address", cty.String),
			optional("labels", cty.Map(cty.String)),
			optional("taints", cty.List(cty.String)),
		}, blocks: []*blockType{sshType(true)}},
		{name: "variable", label: "the variable's name", attrs: []attribute{
			optional("type", cty.NilType),
			optional("default", cty.NilType),
			optional("description", cty.String),
		}},
		{name: "locals", open: true},
	}}
}

func sshType(ofNode bool) *blockType {
	t := &blockType{name: "ssh", once: true, attrs: []attribute{
		optional("user", cty.String),
		optional("port", cty.Number),
		optional("private_key", cty.String),
		optional("known_hosts", cty.String),
		optional("sudo_password_file", cty.String),
		optional("timeout", cty.String),
	}, blocks: []*blockType{
		{name: "bastion", label: "the bastion's address", attrs: []attribute{
			optional("user", cty.String),
			optional("port", cty.Number),
			optional("private_key", cty.String),
		}},
	}}
	if ofNode {
		t.attrs = append(t.attrs, optional("direct", cty.Bool))
	}
	return t
}

func (t *blockType) attribute(name string) (attribute, bool) {
	for _, a := range t.attrs {
		if a.name == name {
			return a, true
		}
	}
	return attribute{}, false
}

func (t *blockType) block(name string) *blockType {
	for _, b := range t.blocks {
		if b.name == name {
			return b
		}
	}
	return nil
}

func (t *blockType) attributeNames() []string {
	var names []string
	for _, a := range t.attrs {
		names = append(names, a.name)
	}
	return names
}

func (t *blockType) blockNames() []string {
	var names []string
	for _, b := range t.blocks {
		names = append(names, b.name)
	}
	return names
}
