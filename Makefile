# make up     a five-machine cluster on this machine, from source
# make down   takes it away again
# make test   every test, unit and lab
# make test-vm  a cluster in emulated VMs that Vagrant makes; not part of make test, since it takes half an hour
# Everything works on a fresh Debian 12 machine as root with Go, git and make.

SHELL      := /bin/bash
KUBERNETES ?= 1.36.3
SUPPORTED  := 1.34.4 1.35.4 1.36.3
SLIPWAY    := bin/slipway
BUNDLE     := build/slipway-$(KUBERNETES)-amd64.bundle
LINT       := build/tools/golangci-lint
LINT_VERSION := v2.15.0
PACKAGES   := gcc libc6-dev libseccomp-dev mmdebstrap systemd-container openssh-server openssh-client \
              iproute2 nftables procps sudo zstd
TORTURE_PACKAGES := e2fsprogs
VM_PACKAGES := vagrant vagrant-libvirt qemu-system-x86 qemu-utils libvirt-daemon libvirt-daemon-driver-qemu dnsmasq-base iptables \
               mmdebstrap syslinux mtools dosfstools fdisk e2fsprogs
VM_BOX     := build/vm/bookworm.box

export CGO_ENABLED = 0
.PHONY: up down build bundle bundles deps vm-deps torture-deps lint unit lab-test test test-vm torture bench fuzz clean

build: $(SLIPWAY)

# Go itself decides what is stale.
.PHONY: $(SLIPWAY)
$(SLIPWAY):
	go build -trimpath -buildvcs=false -ldflags "-s -w" -o $@ ./cmd/slipway

# Debian's packages, once per machine: nothing is asked of the network when all are there.
deps: WANTED = $(PACKAGES)
vm-deps: WANTED = $(VM_PACKAGES)
torture-deps: WANTED = $(TORTURE_PACKAGES)
deps vm-deps torture-deps:
	@missing=; for p in $(WANTED); do dpkg-query -W -f '$${db:Status-Status}' $$p 2>/dev/null | grep -qx installed || missing="$$missing $$p"; done; \
	if [ -n "$$missing" ]; then echo "installing$$missing"; apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing; fi

bundle: deps $(SLIPWAY)
	$(SLIPWAY) bundle build --kubernetes $(KUBERNETES)

# One for each version of Kubernetes that is supported.
bundles: deps $(SLIPWAY)
	for v in $(SUPPORTED); do $(SLIPWAY) bundle build --kubernetes $$v || exit 1; done

up: bundle
	$(SLIPWAY) lab up --control-planes 3 --workers 2
	$(SLIPWAY) apply -f examples/ha.hcl
	$(SLIPWAY) kubeconfig -f examples/ha.hcl --out build/lab/kubeconfig
	@$(SLIPWAY) lab exec cp-1 -- kubectl --kubeconfig /etc/kubernetes/admin.conf get nodes
	@echo "kubectl on this machine: KUBECONFIG=$(CURDIR)/build/lab/kubeconfig   take it away again: make down"

down: $(SLIPWAY)
	$(SLIPWAY) lab down

$(LINT):
	GOBIN=$(CURDIR)/build/tools go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT_VERSION)

# With the program's own flags, what is compiled for it serves the linter too.
lint: $(LINT)
	GOFLAGS=-trimpath $(LINT) run ./...

unit: deps
	CGO_ENABLED=1 go test -race -timeout 20m ./...
	for m in etcd flannel pause; do (cd distro/$$m && go test -trimpath ./...) || exit 1; done

lab-test: bundle
	go test -trimpath -tags lab -count=1 -timeout 60m -v ./test/...

test: lint unit lab-test

$(VM_BOX): $(addprefix test/vm/,box.sh packages.txt setup.sh syslinux.cfg) | vm-deps
	test/vm/box.sh $@

# At least one control plane and one worker: SLIPWAY_CONTROL_PLANES, SLIPWAY_WORKERS.
test-vm: bundle vm-deps $(VM_BOX)
	go test -tags vm -c -o build/vm/vm.test ./test
	cd test && vm/libvirt.sh ../$(VM_BOX) ../build/vm/vm.test -test.count=1 -test.timeout 110m -test.v

# What programs take, as they say themselves: internal/flags holds it, and plans are checked by it. Without UPDATE=-update the tables are only compared.
# Kubernetes is compiled already where its bundle is.
.PHONY: flags flags-check
flags: UPDATE = -update
flags flags-check:
	(cd distro/etcd && go test -trimpath -run TestTable . -args $(UPDATE))
	for v in $(SUPPORTED); do (cd distro/kube && go test -trimpath -vet=off -ldflags "-s -w" -modfile=$${v%.*}.mod -run TestTable . -args $(UPDATE)) || exit 1; done

torture: bundles flags-check torture-deps
	go test -trimpath -tags torture -count=1 -timeout 4h -v ./test/...

# An upgrade goes from one of these versions to the other.
bench: SUPPORTED = $(sort $(KUBERNETES) 1.35.4 1.36.3)
bench: bundles
	go test -trimpath -tags bench -count=1 -timeout 2h -v ./test/...

fuzz:
	go test -run '^$$' -fuzz FuzzLoad -fuzztime 60s ./internal/spec

clean: down
	rm -rf bin build
