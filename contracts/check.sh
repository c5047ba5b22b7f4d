#!/bin/sh
# What is committed of the contract, offline: compiles it, rebuilds the artefacts and compares them, compares gas with the
# snapshot and the budget, and holds contract and package state together. `--update` replaces artefacts, snapshot and vectors
# instead of comparing them; `--long` lives random histories for minutes. The contract's own tests are forge's, beside this:
# `cd contracts && node_modules/.bin/forge test`, with FOUNDRY_PROFILE=long for longer fuzzing.
# Needs contracts/node_modules (make contracts-tools), abigen (its path in $ABIGEN, or build/bin/abigen) and Go.
set -eu
cd "$(dirname "$0")"
mode=${1:-}
forge=node_modules/.bin/forge
abigen=${ABIGEN:-../build/bin/abigen}

"$forge" fmt --check src test
"$forge" build --quiet src

new=$(mktemp -d)
trap 'rm -rf "$new"' EXIT
mkdir "$new/bindings"
go run ./internal/generate ../build/forge/DPKI.sol/DPKI.json "$new"
"$forge" build --quiet test/Multisig.sol
node -p 'require(process.argv[1]).bytecode.object.slice(2)' "$PWD/../build/forge/Multisig.sol/Multisig.json" >"$new/Multisig.bin"
"$abigen" --v2 --abi "$new/DPKI.abi" --pkg bindings --type DPKI --out "$new/bindings/dpki.go" 2>"$new/abigen.log" ||
	{ cat "$new/abigen.log" >&2; exit 1; }
for f in DPKI.abi DPKI.bin DPKI.bin-runtime code/hash.go bindings/dpki.go; do
	if [ "$mode" = --update ]; then
		cp "$new/$f" "$f"
	elif ! cmp "$new/$f" "$f"; then
		echo "contracts/$f is not what src/ compiles to: run contracts/check.sh --update" >&2
		exit 1
	fi
done

# A wallet of several owners, for tests of what a contract signs.
if [ "$mode" = --update ]; then
	cp "$new/Multisig.bin" ../internal/harness/multisig/
elif ! cmp "$new/Multisig.bin" ../internal/harness/multisig/Multisig.bin; then
	echo "internal/harness/multisig/Multisig.bin is not what test/Multisig.sol compiles to: run contracts/check.sh --update" >&2
	exit 1
fi

case $mode in
--update) go test -count=1 . -update ;;
--long) go test -count=1 -timeout 30m . -long ;;
*) go test -count=1 . ;;
esac
