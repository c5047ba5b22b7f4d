# What a build leaves behind lives in build/, except npm's contracts/node_modules. `make clean` removes both.
.PHONY: contracts-tools
contracts-tools: contracts/node_modules/.stamp

contracts/node_modules/.stamp: contracts/package.json contracts/package-lock.json contracts/.npmrc
	cd contracts && npm ci
	touch $@

# Tools live in modules of their own, so that the product's go.mod stays short; each is built when something needs it.
build/bin/ipfs: tools/kubo/go.mod tools/kubo/go.sum
	cd tools/kubo && CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o ../../$@ github.com/ipfs/kubo/cmd/ipfs
build/bin/nfpm: tools/nfpm/go.mod tools/nfpm/go.sum
	cd tools/nfpm && CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o ../../$@ github.com/goreleaser/nfpm/v2/cmd/nfpm
build/bin/abigen: tools/abigen/go.mod tools/abigen/go.sum
	cd tools/abigen && CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o ../../$@ github.com/ethereum/go-ethereum/cmd/abigen
build/bin/staticcheck: tools/lint/go.mod tools/lint/go.sum
	cd tools/lint && CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o ../../$@ honnef.co/go/tools/cmd/staticcheck

# OpenSSH, unpacked and not installed.
build/root: tools/sysroot.sh
	tools/sysroot.sh $@
	touch $@
