# dpki's own needs are Go, git and make. What is built or fetched lies in build/ and contracts/node_modules.
#
#   make build      the product's commands, in build/bin
#   make pam        the PAM module, in build/lib; needs gcc and libpam0g-dev, as `make packages` does
#   make demo       the main story on real parts, in under a minute
#   make check      format, vet, staticcheck, unit tests: no root, three minutes
#   make test       everything: check, contract, real sshd and kubo, packages; as root for the parts that need it
#   make attack     endpoints and stores that lie to a real device; a part of test, as root
#   make mutants    takes a guard out at a time: the test that names it must fail
#   make test-long  more of all, mutants too; before a release
#   make bench      the numbers of the design, measured here
#   make packages   deb and rpm, in build/packages
#   make contracts  compile the contract and replace what is committed of it
#   make man        write manual pages, shell completion and docs/messages.md anew from the sources
#   make deps       which Debian packages the tests lack; YES=1 installs them
#   make clean

VERSION := 0.1.0
COMMIT := $(shell git rev-parse --short=12 HEAD 2>/dev/null)
# Package times are the commit's, so that the same commit gives the same bytes.
export SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || echo 0)
# A checkout that belongs to another user, as in a container, must still build.
export GOFLAGS := $(GOFLAGS) -buildvcs=false

COMMANDS := dpki dpkid dpki-authkeys dpki-sandbox
# The tag leaves out what would make manual pages at run time, and its parser of Markdown: ours are made by internal/manpage.
GO_BUILD := CGO_ENABLED=0 go build -trimpath -tags urfave_cli_no_docs -ldflags "-s -w -buildid= -X main.version=$(VERSION)$(if $(COMMIT),+$(COMMIT))"
GO_TOOL := CGO_ENABLED=0 go build -trimpath -ldflags "-s -w"

SUITE := build/bin/suite -tally build/tally
FUZZTIME ?= 60s

.PHONY: build man check test attack mutants test-long bench demo packages contracts contracts-check contracts-tools deps tools clean pam \
	run-check run-contracts run-e2e run-long run-mutants run-openssh run-systemd FORCE

build: $(COMMANDS:%=build/bin/%)

# Go knows best what is up to date.
$(COMMANDS:%=build/bin/%): FORCE
	$(GO_BUILD) -o $@ ./cmd/$(@F)
# C, for it runs inside sshd (pam/shim).
pam: build/lib/pam_dpki.so
build/lib/pam_dpki.so: pam/shim/pam_dpki.c pam/shim/Makefile
	mkdir -p $(@D)
	$(MAKE) -C pam/shim OUT=$(CURDIR)/$(@D) $(CURDIR)/$@
build/bin/suite: FORCE
	$(GO_BUILD) -o $@ ./internal/suite
FORCE:

# A suite is a list of calls that all run, whatever the others did, and one sum at the end. The exit code of make is not
# enough: a part that died before it could count must fail the whole.
define summed
	@rm -f build/tally
	@status=0; for part in $(1); do $(MAKE) --no-print-directory run-$$part || status=1; done; \
	echo; $(SUITE) total || status=1; exit $$status
endef

check: build/bin/suite
	$(call summed,check)

test: tools build/bin/suite
	@tools/deps.sh || true
	$(call summed,check contracts e2e)

attack: build/bin/suite build/bin/ipfs build/root
	@$(SUITE) go -count=1 -timeout 15m ./internal/e2e/attack/...

mutants: run-mutants

test-long: tools build/bin/suite
	@tools/deps.sh || true
	$(call summed,check contracts e2e long mutants openssh systemd)

# The tests that drive PAM as an application need its headers; on a machine without them they say so and skip.
PAM_TAGS := $(if $(wildcard /usr/include/security/pam_appl.h),-tags=pam)

GO_FILES := git ls-files -co --exclude-standard '*.go'
# The packages that need the machine to themselves. The others run without root.
UNIT := $$(go list ./... | grep -v /internal/e2e)

run-check: build/bin/suite build/bin/staticcheck
	@status=0; \
	$(SUITE) step gofmt sh -c 'out=$$(gofmt -l $$($(GO_FILES))); echo "$$out"; test -z "$$out"' || status=1; \
	$(SUITE) step vet go vet $(PAM_TAGS) ./... || status=1; \
	$(SUITE) step staticcheck build/bin/staticcheck $(PAM_TAGS) ./... || status=1; \
	$(SUITE) go -timeout 10m $(UNIT) || status=1; \
	exit $$status

run-contracts: contracts-tools build/bin/suite build/bin/abigen
	@status=0; \
	$(SUITE) step contracts contracts/check.sh || status=1; \
	$(SUITE) forge sh -c 'cd contracts && exec node_modules/.bin/forge test' || status=1; \
	exit $$status

run-e2e: build/bin/suite build/bin/ipfs build/root packages
	@$(SUITE) go $(PAM_TAGS) -count=1 -timeout 15m ./internal/e2e/...

run-long: build/bin/suite
	@status=0; \
	$(SUITE) step 'contracts, long histories' contracts/check.sh --long || status=1; \
	FOUNDRY_PROFILE=long $(SUITE) forge sh -c 'cd contracts && exec node_modules/.bin/forge test' || status=1; \
	$(SUITE) go -count=5 -timeout 20m $(UNIT) || status=1; \
	$(SUITE) go -count=1 -timeout 20m ./internal/e2e/kills -args -kills 1000 || status=1; \
	$(SUITE) go -count=1 -timeout 20m ./internal/e2e/vendor -args -devices 10000 || status=1; \
	$(SUITE) fuzz $(FUZZTIME) $(UNIT) || status=1; \
	exit $$status

run-mutants: contracts-tools build/bin/suite
	@$(SUITE) counted go run ./internal/mutants

# The oldest and the newest OpenSSH that are supported, under the same tests as the machine's own.
OPENSSH_ROOTS := bullseye forky
build/roots/%: tools/debroot.sh
	tools/debroot.sh $* $@
	touch $@
# Systems of their own with systemd: sessions that are scopes of logind's; the packages' units, on the newest too.
build/roots/systemd: tools/debroot.sh
	tools/debroot.sh bookworm $@ systemd-sysv,libpam-systemd,dbus,iproute2
	touch $@
build/roots/systemd-forky: tools/debroot.sh
	tools/debroot.sh forky $@ systemd-sysv,libpam-systemd,dbus,iproute2
	touch $@
SYSTEMD_ROOTS := systemd systemd-forky
run-systemd: build/bin/suite packages $(SYSTEMD_ROOTS:%=build/roots/%)
	@status=0; \
	$(SUITE) go -count=1 -timeout 10m -skip 'Sudo|Lesser|OnlySessions' -exec "$(CURDIR)/tools/systemd-exec.sh $(CURDIR)/build/roots/systemd" ./internal/e2e/pamshim -args -systemd || status=1; \
	for root in $(SYSTEMD_ROOTS); do \
	$(SUITE) go -count=1 -timeout 10m -exec "$(CURDIR)/tools/systemd-exec.sh $(CURDIR)/build/roots/$$root" ./internal/e2e/timer -args -systemd || status=1; \
	done; exit $$status
run-openssh: build/bin/suite $(OPENSSH_ROOTS:%=build/roots/%)
	@status=0; for root in $(OPENSSH_ROOTS); do \
	$(SUITE) go -count=1 -timeout 10m -skip Sudo ./internal/e2e/pamshim -args -root $(CURDIR)/build/roots/$$root || status=1; \
	done; exit $$status

contracts-check: build/bin/suite
	$(call summed,contracts)

contracts: contracts-tools build/bin/abigen
	contracts/check.sh --update

# By a higher priority, where it may: other work on the machine then weighs less.
bench: build/root contracts-tools
	nice -n -10 go run ./internal/bench

demo: build build/root
	go run ./internal/demo

packages: build pam build/bin/nfpm
	packaging/build.sh "$(VERSION)"

# Compared with what is committed by the same tests in `make check`.
man:
	go test ./cmd/dpki ./cmd/dpkid ./cmd/dpki-sandbox -count=1 -run 'TestManPage|TestPackagedCompletion' -update
	go test ./internal/messages -count=1 -run TestMessages -update

deps:
	@tools/deps.sh

# Tools live in modules of their own, so that the product's go.mod stays short; each is built when something needs it.
tools: build/bin/ipfs build/bin/clef build/bin/nfpm build/bin/abigen build/bin/staticcheck build/root contracts-tools
build/bin/ipfs: tools/kubo/go.mod tools/kubo/go.sum
	cd tools/kubo && $(GO_TOOL) -o ../../$@ github.com/ipfs/kubo/cmd/ipfs
build/bin/clef: tools/clef/go.mod tools/clef/go.sum
	cd tools/clef && $(GO_TOOL) -o ../../$@ github.com/ethereum/go-ethereum/cmd/clef
build/bin/nfpm: tools/nfpm/go.mod tools/nfpm/go.sum
	cd tools/nfpm && $(GO_TOOL) -o ../../$@ github.com/goreleaser/nfpm/v2/cmd/nfpm
build/bin/abigen: tools/abigen/go.mod tools/abigen/go.sum
	cd tools/abigen && $(GO_TOOL) -o ../../$@ github.com/ethereum/go-ethereum/cmd/abigen
build/bin/staticcheck: tools/lint/go.mod tools/lint/go.sum
	cd tools/lint && $(GO_TOOL) -o ../../$@ honnef.co/go/tools/cmd/staticcheck

# OpenSSH, unpacked and not installed.
build/root: tools/sysroot.sh
	tools/sysroot.sh $@
	touch $@

contracts-tools: contracts/node_modules/.stamp
contracts/node_modules/.stamp: contracts/package.json contracts/package-lock.json contracts/.npmrc
	cd contracts && npm ci
	touch $@

clean:
	rm -rf build contracts/node_modules
