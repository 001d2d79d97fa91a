#!/bin/sh
# Writes MINOR.mod and MINOR.sum for one Kubernetes version: ./pin.sh 1.36.3
#
# The go.mod of k8s.io/kubernetes replaces each staging repository by a folder of its own tree, which
# holds for it alone. Here each is replaced by the published module of the same commit (v1.36.3 is
# v0.36.3 there). The requirements of upstream's go.mod are kept as the floor, its go version and
# godebug too, so that what is compiled is what upstream tested.
set -eu
version=$1
minor=${version%.*}
staging=v0.${version#1.}
cd "$(dirname "$0")"

upstream=$(go mod download -json "k8s.io/kubernetes@v$version" | sed -n 's/.*"GoMod": "\(.*\)",*/\1/p')
{
	echo "module github.com/slipway/slipway/distro/kube"
	echo
	sed -n '/^go /p;/^godebug /p' "$upstream"
	echo
	echo "require k8s.io/kubernetes v$version"
	sed -n '/^require (/,/^)/p' "$upstream" | sed 's, // indirect,,'
	echo
	echo "replace ("
	sed -n 's,^.\(k8s.io/[^ ]*\) => ./staging/.*,\t\1 => \1 '"$staging,p" "$upstream"
	echo ")"
} >"$minor.mod"
: >"$minor.sum"
go mod tidy -modfile="$minor.mod"
