#!/bin/sh
# Builds the API server into a folder, from its Go module: build.sh FOLDER. It says where it is, or fails.
#
# Kubernetes is published as one module whose parts it takes from its own tree; a module that uses it must name the
# published part for each. They carry the same number, with 0 in the place of 1.
set -eu

version=1.36.3
here=$(cd "$(dirname "$0")" && pwd)
folder=$1
program="$folder/kube-apiserver-$version"
[ ! -x "$program" ] || { echo "$program"; exit 0; }

mkdir -p "$folder/apiserver"
cd "$folder/apiserver"
cp "$here/main.go" .
kubernetes=$(go mod download -json "k8s.io/kubernetes@v$version" | sed -n 's/^\t"GoMod": "\(.*\)",$/\1/p')
{
    printf 'module apiserver\n\ngo 1.26.0\n\nrequire k8s.io/kubernetes v%s\n' "$version"
    printf 'require k8s.io/component-base v0.%s\n' "${version#1.}"
    sed -n "s|^\t\(k8s.io/[a-z-]*\) => ./staging/.*|replace \1 => \1 v0.${version#1.}|p" "$kubernetes"
} >go.mod
go mod tidy >tidy.log 2>&1 || { tail -n 5 tidy.log >&2; exit 1; }
nice go build -p 2 -ldflags '-s -w' -o "$program.part" . >&2
mv "$program.part" "$program"
echo "$program"
