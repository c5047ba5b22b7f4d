#!/bin/sh
# Usage: packaging/build.sh VERSION [DIR]
# Makes the deb and the rpm from build/bin and build/lib, in DIR, which is replaced (default build/packages). The same commit gives the same
# bytes: times come from SOURCE_DATE_EPOCH, and nothing else of the machine goes in but its compiler's work on the PAM module.
set -eu
cd "$(dirname "$0")/.."
VERSION=$1
ARCH=$(go env GOARCH)
# Where Debian keeps libraries of this architecture, and PAM's modules in a folder of them.
case $ARCH in
amd64) TRIPLET=x86_64-linux-gnu ;;
arm64) TRIPLET=aarch64-linux-gnu ;;
arm) TRIPLET=arm-linux-gnueabihf ;;
386) TRIPLET=i386-linux-gnu ;;
riscv64) TRIPLET=riscv64-linux-gnu ;;
ppc64le) TRIPLET=powerpc64le-linux-gnu ;;
s390x) TRIPLET=s390x-linux-gnu ;;
*) echo "$0: no folder is known for PAM modules of $ARCH" >&2; exit 1 ;;
esac
# The same elsewhere: by the size of a word.
case $ARCH in 386 | arm) LIB=lib ;; *) LIB=lib64 ;; esac
export VERSION ARCH TRIPLET LIB
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
