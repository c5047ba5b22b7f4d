#!/bin/sh
# Everything about the contract, offline: compile, test, compare gas with the committed snapshot, rebuild the committed
# artefacts and compare them. `--update` replaces snapshot, vectors and artefacts instead of comparing them; `--long` fuzzes
# and lives random histories for many minutes.
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

# gas.txt and the budget; the vectors; histories of random writes against package state.
case $mode in
--update) "$forge" test && go test -count=1 . -update ;;
--long) FOUNDRY_PROFILE=long "$forge" test && go test -count=1 -timeout 30m . -long ;;
*) "$forge" test && go test -count=1 . ;;
esac
