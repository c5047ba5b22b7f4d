#!/bin/sh
# Usage: packaging/build.sh VERSION [DIR]
# Makes the deb and the rpm from build/bin, in DIR, which is replaced (default build/packages). The same commit gives the same bytes: times come
# from SOURCE_DATE_EPOCH, and nothing else of the machine goes in.
set -eu
cd "$(dirname "$0")/.."
VERSION=$1
ARCH=$(go env GOARCH)
export VERSION ARCH
: "${SOURCE_DATE_EPOCH:?}"
umask 022

out=${2:-build/packages}
stage=build/stage
rm -rf "$out" $stage
mkdir -p "$out" $stage
for page in dpki.1 dpkid.8 dpki-authkeys.8; do
	gzip -9nc packaging/man/$page >$stage/$page.gz
done
cp packaging/completion/* $stage/
gzip -9nc packaging/changelog >$stage/changelog.gz
find $stage -exec touch -d "@$SOURCE_DATE_EPOCH" {} +

for format in deb rpm; do
	build/bin/nfpm package --config nfpm.yaml --packager $format --target "$out/" >/dev/null
done
rm -rf $stage
ls "$out"
