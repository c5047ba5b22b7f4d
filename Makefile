# What a build leaves behind lives in build/, except npm's contracts/node_modules. `make clean` removes both.
.PHONY: contracts-tools
contracts-tools: contracts/node_modules/.stamp

contracts/node_modules/.stamp: contracts/package.json contracts/package-lock.json contracts/.npmrc
	cd contracts && npm ci
	touch $@
