# Everything starts on a fresh Debian 12 with Go alone: each target installs what it
# needs. "make run" and "make test" are all that anybody has to know.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
GO ?= go
NUM ?= 4
PORT ?= 3000
# lighttpd puts a web server in front: make run WITH=lighttpd
WITH ?=

export GOFLAGS ?= -buildvcs=false
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.7.0
DEADCODE := golang.org/x/tools/cmd/deadcode@v0.45.0
DUPL := github.com/mibk/dupl@v1.0.0
GOTESTSUM := gotest.tools/gotestsum@v1.13.0
# So many inputs for each target. A time ("make fuzz FUZZ_TIME=10m") is for a real search:
# go test may take the end of that time for a failure.
FUZZ_TIME ?= 20000x

# gcc is what the race detector links with.
DEPS := ruby ruby-rails ruby-sinatra ruby-sqlite3 ruby-minitest bundler lighttpd gcc libc6-dev procps util-linux ca-certificates
# What reads the Ruby files and the shell's.
LINTERS := rubocop shellcheck
REDMINE_DEPS := redmine redmine-sqlite
# The servers that the experiment compares with.
PEERS := passenger unicorn puma
# What "make bench-wire" cannot do without, and the servers that it leaves out where they are missing.
WIRE_TOOLS := wrk strace
WIRE_SERVERS := libfcgi-dev ruby-fcgi unicorn puma
# A browser that shows the report, for a test.
BROWSER := chromium
# The responders that "launcher conformance" is tried on.
RESPONDERS := libfcgi-dev php-cgi php-fpm ruby-fcgi fcgiwrap
# The web servers beside lighttpd that configuration is written for.
WEBSERVERS := nginx haproxy apache2-bin libapache2-mod-xsendfile caddy
# Hosts in network namespaces, and what HAProxy's recipe is tried with.
CLUSTER := iproute2 dnsmasq-base socat
# What the recipes are for, and the server of SSH that Capistrano deploys to.
RECIPES := capistrano ruby-foreman
SSH := openssh-server openssh-client git
# For a test that starts a server of its own.
POSTGRESQL := postgresql ruby-pg
# Its tools read units and pass sockets, where no systemd runs.
SYSTEMD := systemd
# Scrapes a launcher, and checks alerts.
PROMETHEUS := prometheus
# The shells that completions are written for, and what reads manual pages.
SHELLS := zsh fish mandoc man-db groff-base
# What reads packages, and has a systemd run in a system that forgets it.
PACKAGING := lintian systemd-container
# Where "make deb" puts packages, and for which machines; the releases of Debian for "make test-deb".
DEB ?= dist
ARCHITECTURES ?= amd64 arm64
DEB_RELEASES ?= bookworm trixie
# Where "make experiment" puts its report, and further options of "launcher experiment".
OUTPUT ?= $@-report
EXPERIMENT ?=
# The releases of Debian for "make test-releases", and a folder to keep them in.
RELEASES ?= bullseye bookworm trixie testing ruby3.4
ROOTS ?=
# A Debian 13 to keep, and where its packages come from: a temporary one, apt's.
ROOT ?=
MIRROR ?=

# Of "make simulate": how many histories, and the seed of the first one. Of "make fuzz-responder": how many inputs, and
# what they are made of.
HISTORIES ?= 1000000
INPUTS ?= 1000000
SEED ?= 0

# Whoever calls make as root means it: the targets run launchers.
export LAUNCHER_ALLOW_ROOT ?= 1

# What "launcher version" says.
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null)

.PHONY: build gem run clean deps test-deps linters deb test-deb \
  test test-releases test-container recipes check check-go check-ruby check-shell ruby-test go-test simulate fuzz fuzz-responder redmine \
  packages bench bench-wire wire-profile kill-latency chaos chaos-peers lose-host cluster manifests measure-start measure-start-redmine measure-optimizations private-memory compare-responders experiment experiment-redmine experiment-debian13
.DEFAULT_GOAL := build

build: launcher

# One static binary with the Ruby side inside it. The tag leaves out what writes manual pages, whose tables
# would be in the memory of every supervisor.
BUILD = -tags urfave_cli_no_docs -trimpath -ldflags '-s -w -X "main.version=$(VERSION)"'
launcher: $(shell find cmd fcgi lighttpd preforker scripts -name '*.go' -o -name '*.rb') go.mod go.sum
	CGO_ENABLED=0 $(GO) build $(BUILD) -o $@ ./cmd/launcher

# The gem launcher-ruby, for Linux on x86_64 and aarch64, and one without a program for all other platforms: in OUTPUT.
GEM_OUTPUT ?= gem-output
gem: deps
	@mkdir -p $(GEM_OUTPUT)
	$(foreach arch,amd64 arm64,CGO_ENABLED=0 GOARCH=$(arch) $(GO) build $(BUILD) -o $(GEM_OUTPUT)/launcher-$(arch) ./cmd/launcher &&) \
	  cmd/launcher/packages/gem/build "$(VERSION)" $(GEM_OUTPUT) x86_64-linux=$(GEM_OUTPUT)/launcher-amd64 aarch64-linux=$(GEM_OUTPUT)/launcher-arm64

# Packages for Debian, with the program for each architecture, completions, the manual page and a unit.
deb:
	@VERSION="$(VERSION)" GO="$(GO)" cmd/launcher/packages/deb/build "$(DEB)" $(ARCHITECTURES)

# The blog of testdata/apps with NUM workers, at http://127.0.0.1:PORT/posts.
run: deps launcher
	scripts/dev/run-blog "$(NUM)" "$(PORT)" "$(WITH)"

# The summary of the Go tests, the end-to-end ones among them, comes last. What needs one CPU only runs beside
# the rest.
test: deps test-deps
	$(MAKE) --jobs 2 --output-sync=target check ruby-test fuzz manifests
	$(MAKE) simulate HISTORIES=100000
	$(MAKE) go-test

check: check-go check-ruby check-shell

check-go: deps
	@unformatted=$$(gofmt -l cmd fcgi lighttpd preforker scripts); \
	  if [ -n "$$unformatted" ]; then echo "not formatted (gofmt -w): $$unformatted"; exit 1; fi
	$(GO) vet ./...
	GOOS=windows $(GO) build -o /dev/null ./cmd/launcher
	GOOS=darwin $(GO) build -o /dev/null ./cmd/launcher
	GOOS=darwin $(GO) vet ./preforker/core/... ./preforker/ident
	$(GO) mod tidy -diff
	$(GO) run $(STATICCHECK) -tags redmine,recipes ./...
	@dead=$$($(GO) run $(DEADCODE) -test -tags redmine,recipes ./...); if [ -n "$$dead" ]; then echo "nothing calls these:"; echo "$$dead"; exit 1; fi
	@twice=$$(git ls-files '*.go' ':!*_test.go' | $(GO) run $(DUPL) -files -plumbing -threshold 60); if [ -n "$$twice" ]; then echo "$$twice"; exit 1; fi
	$(GO) test -count 1 ./scripts/dev/packages

# Warnings of Ruby's, and one style (.rubocop.yml).
check-ruby: linters
	@warnings=$$(git ls-files '*.rb' ':!testdata/apps/broken_*' | xargs ruby -w -e 'ARGV.each { |file| RubyVM::InstructionSequence.compile_file(file) }' 2>&1 || true); \
	  if [ -n "$$warnings" ]; then echo "$$warnings"; exit 1; fi
	rubocop --format simple

check-shell: linters
	shellcheck $$(git grep -lE '^(#!/bin/(ba)?sh|# shellcheck shell=)' -- .ci scripts/dev cmd/launcher/packages cmd/launcher/recipes)

# The packages as a drawing and as a table: what imports what, how large each is, how many references lead
# from it and to it. With UPDATE=1 the drawing is written into preforker/README.md.
UPDATE ?=
packages:
	@$(if $(UPDATE),$(GO) test -count 1 -run TestGraphInReadme ./scripts/dev/packages -update >/dev/null)
	@$(GO) run ./scripts/dev/packages

ruby-test: deps
	ruby -w -Iscripts scripts/test/run.rb
	ruby -w -Icmd/launcher/packages/gem/lib -e 'ARGV.each { |file| require file }' $(wildcard $(CURDIR)/cmd/launcher/packages/gem/test/*_test.rb)

# Most end-to-end tests wait for processes, so more of them than there are CPUs run at once.
go-test: deps test-deps
	$(GO) run $(GOTESTSUM) --format pkgname-and-test-fails -- -race -tags redmine -parallel 6 -timeout 60m ./...

# The Ruby side's unit tests, and the same tests of three applications, with the Ruby, Rack, Sinatra, Rails and lighttpd of other releases of
# Debian, each in a root that is made for it, as root. With ROOTS=FOLDER those are made once and stay.
test-releases:
	@GO="$(GO)" ROOTS="$(ROOTS)" MIRROR="$(MIRROR)" $(GO) run $(GOTESTSUM) --format pkgname-and-test-fails \
	  --ignore-non-json-output-lines --raw-command -- scripts/dev/test-releases $(RELEASES)

# Builds the container images and runs one, as root: some minutes. With ROOT=FOLDER the Debian that they are made of stays.
test-container: deps
	@ROOT="$(ROOT)" MIRROR="$(MIRROR)" scripts/dev/test-container

# Deploys over SSH with Capistrano, as the recipe has it: deploy, rollback, and a release that does not load, under load.
recipes: deps
	@scripts/dev/install $(RECIPES) $(SSH)
	$(GO) test -race -tags recipes -timeout 15m -run '^TestCapistrano' -v ./cmd/launcher

# The packages in releases of Debian, with a systemd of theirs and without one: some minutes, as root. With ROOTS=FOLDER the roots stay.
test-deb:
	@GO="$(GO)" ROOTS="$(ROOTS)" MIRROR="$(MIRROR)" scripts/dev/test-deb $(DEB_RELEASES)

# The core in a simulated world, without the race detector. SEED=N begins with other histories.
simulate:
	$(GO) test -count 1 -timeout 60m -run TestSimulation -v ./preforker/core/sim -histories $(HISTORIES) -seed $(SEED)

# Each fuzz target for a moment.
fuzz:
	GO="$(GO)" scripts/dev/fuzz $(FUZZ_TIME)

# As many inputs to real Ruby responders, of which none may end, hang or fail; some thousands of them are among the Go
# tests. What is found goes to fcgi/fuzz/testdata/corpus.
fuzz-responder: deps
	$(GO) test -count 1 -timeout 4h -v ./fcgi/fuzz -inputs $(INPUTS) -seed $(SEED)

# Redmine, a large application: Debian's packages behind lighttpd.
redmine: deps test-deps
	$(GO) test -race -tags redmine -timeout 15m -run '^TestRedmine' -v ./cmd/launcher

deps:
	@scripts/dev/install $(DEPS)

# After deps, and once: two of apt-get do not run at the same time.
linters: deps
	@scripts/dev/install $(LINTERS)

test-deps:
	@scripts/dev/install $(PEERS) $(RECIPES) $(WEBSERVERS) $(CLUSTER) $(BROWSER) $(POSTGRESQL) $(SYSTEMD) $(SHELLS) $(PACKAGING) $(PROMETHEUS) $(REDMINE_DEPS) wrk libfcgi-dev

# The experiment of 2007 on the blog and on Redmine, beside the other servers: some minutes each.
experiment: deps launcher
	@scripts/dev/install $(PEERS)
	scripts/dev/run-experiment blog "$(OUTPUT)" $(EXPERIMENT)

experiment-redmine: deps launcher
	@scripts/dev/install $(PEERS) $(REDMINE_DEPS)
	scripts/dev/run-experiment redmine "$(OUTPUT)" $(EXPERIMENT)

# The blog on Ruby 3.3, Rails 7.2 and Rack 3: in a Debian 13 that is made for it, as root. With
# ROOT=FOLDER that is made once and stays.
experiment-debian13: launcher
	ROOT="$(ROOT)" MIRROR="$(MIRROR)" scripts/dev/run-experiment-debian13 "$(OUTPUT)" $(EXPERIMENT)

# Figures, for reading; nothing passes or fails by them.
bench: deps launcher
	@scripts/dev/install $(REDMINE_DEPS)
	LAUNCHER_TEST_BINARY=$(CURDIR)/launcher $(GO) test -run '^$$' -bench 'Start' -benchtime 7x ./cmd/launcher
	LAUNCHER_BENCH_ROOT=/usr/share/redmine LAUNCHER_TEST_BINARY=$(CURDIR)/launcher $(GO) test -run '^$$' -bench 'Start' -benchtime 5x ./cmd/launcher
	LAUNCHER_TEST_BINARY=$(CURDIR)/launcher $(GO) test -run '^$$' -bench 'Replace' -benchtime 100x ./cmd/launcher
	LAUNCHER_TEST_BINARY=$(CURDIR)/launcher $(GO) test -run '^$$' -bench 'Memory' -benchtime 1x ./cmd/launcher
	LAUNCHER_TEST_BINARY=$(CURDIR)/launcher $(GO) test -run '^$$' -bench 'ManyWorkers' -benchtime 1x ./cmd/launcher

# Requests a second and CPU time, beside libfcgi in C, Unicorn, Puma and ruby-fcgi behind the same lighttpd: half an hour on an idle
# machine, or make bench-wire WIRE="--kinds hello,page --launcher before=/tmp/launcher --launcher after=launcher --output FOLDER"
WIRE ?=
bench-wire: deps launcher
	@scripts/dev/install $(WIRE_TOOLS)
	@for package in $(WIRE_SERVERS); do scripts/dev/install $$package || echo "going on without $$package"; done
	scripts/dev/bench-wire $(WIRE)

# Where the time and the objects of a request go in a worker, without a web server: make wire-profile PROFILE="--details"
PROFILE ?=
wire-profile: deps launcher
	@scripts/dev/install $(WIRE_TOOLS)
	@for package in $(WIRE_SERVERS); do scripts/dev/install $$package || echo "going on without $$package"; done
	scripts/dev/wire-profile $(PROFILE)

# How long nobody answers where a worker was killed, with a spare and without: make kill-latency KILL="--pause 0"
KILL ?=
kill-latency: deps launcher
	scripts/dev/kill-latency $(KILL)
	cd testdata/apps/blog && RAILS_ENV=production ruby bin/setup
	scripts/dev/kill-latency --root testdata/apps/blog --path /posts $(KILL)

# Whether faults cost requests: hundreds of them, under load: make chaos CHAOS="--faults 100 --seed 7"; the same restarts and kills of
# other servers beside it: make chaos-peers. As root, for a disk that is full.
CHAOS ?=
chaos: deps launcher
	scripts/dev/chaos $(CHAOS)

chaos-peers: deps test-deps launcher
	for server in launcher unicorn puma passenger; do \
	  scripts/dev/chaos --server $$server --kinds restart --faults 20 $(CHAOS) && \
	  scripts/dev/chaos --server $$server --kinds "worker SIGKILL" --faults 35 $(CHAOS) || exit 1; \
	done

# What visitors notice when one of two hosts with workers is lost: two network namespaces, as root.
lose-host: deps launcher
	@scripts/dev/install iproute2
	scripts/dev/lose-host

# Three hosts behind HAProxy and behind lighttpd, in network namespaces, as root: so many requests while hosts are taken out,
# killed and come back, as tables. A short form is among the tests.
REQUESTS ?= 10000
cluster: deps
	@scripts/dev/install $(WEBSERVERS) $(CLUSTER)
	$(GO) test -count 1 -timeout 60m -run '^TestCluster' -v ./cmd/launcher -requests $(REQUESTS)

# The manifests for Kubernetes, against the schema of its own client library.
manifests:
	cd cmd/launcher/recipes/kubernetes && $(GO) test -count 1 ./...

# How long a start takes to its first response, beside "rails runner 1": make measure-start START="--turns 20";
# for Redmine make measure-start-redmine
START ?=
measure-start: deps launcher
	scripts/dev/measure-start $(START)

measure-start-redmine: deps test-deps launcher
	folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && settings=$$(scripts/dev/redmine-instance "$$folder/redmine") && \
	  eval "$$settings" && scripts/dev/measure-start --root /usr/share/redmine --path /login $(START)

# What each optimization of memory gains, as a table: make measure-optimizations OPTIMIZATIONS="--warmup compact views"
OPTIMIZATIONS ?=
measure-optimizations: deps launcher
	cd testdata/apps/blog && RAILS_ENV=production ruby bin/setup
	scripts/dev/measure-optimizations $(OPTIMIZATIONS)

# Where the memory of a worker goes that no other process has: make private-memory PRIVATE="--details"
PRIVATE ?=
private-memory: deps launcher
	cd testdata/apps/blog && RAILS_ENV=production ruby bin/setup
	scripts/dev/private-memory $(PRIVATE)

# What the conformance suite finds of this worker and of other responders, as tables: make compare-responders
# COMPARE="--only libfcgi,php-fpm"
COMPARE ?=
compare-responders: deps launcher
	@scripts/dev/install $(RESPONDERS)
	scripts/dev/compare-responders $(COMPARE)

clean:
	rm -f launcher
