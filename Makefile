# What CI runs is "make check". The rest are named commands for longer work.

CROSS     = darwin/arm64 windows/amd64 freebsd/amd64 linux/arm64
FUZZTIME  = 30s
BENCHTIME = 1s
SOAK      = reload -times 2000 -between 44000 -conns 12 -streams 2 -mode fresh,kept,h2 -for 3h \
            -status http://127.0.0.1:8889/status.json -grows generation -want phase=serving -- bin/soak serve

# The linter is pinned in a module of its own, so that nobody who imports us
# sees its dependencies. The go command builds it once and keeps it.
LINT = go tool -modfile=$(CURDIR)/tools/go.mod golangci-lint run

.PHONY: check format vet lint test cross fuzz bench bench-smoke browser pictures soak

check: format vet lint test cross

format:
	@files=$$(gofmt -l .); test -z "$$files" || { echo "gofmt would change:"; echo "$$files"; exit 1; }

vet:
	go vet ./...

lint:
	$(LINT)

test:
	GORACE=atexit_sleep_ms=0 go test -race -shuffle=on ./...

# vet compiles the tests too, which cannot run here.
cross:
	@set -e; for platform in $(CROSS); do \
		echo "build and vet for $$platform"; \
		export GOOS=$${platform%/*} GOARCH=$${platform#*/}; \
		go build ./...; go vet ./...; \
	done

# Each fuzz target for FUZZTIME.
fuzz:
	@set -e; for package in $$(go list ./...); do \
		for target in $$(go test -list '^Fuzz' $$package | grep '^Fuzz'); do \
			echo "fuzz $$package $$target"; \
			go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) $$package; \
		done; \
	done

bench:
	go test -run '^$$' -bench . -benchtime $(BENCHTIME) -benchmem ./...
	cd bench && go test -run '^$$' -bench . -benchtime $(BENCHTIME) -benchmem ./...

# One short round of everything in bench, to prove that it works.
bench-smoke:
	cd bench && go vet ./... && $(LINT) && go test -bench . -benchtime 1x ./...

# Every page in chromium, with axe-core from npm.
browser:
	cd browser && npm ci --ignore-scripts --no-audit --no-fund && go vet ./... && $(LINT) && go test ./...

# The pictures of the README, of a shop to which things happen for a quarter of
# an hour. Install fonts-inter before, for letters that look well.
pictures:
	cd browser && go run ./pictures -out ../docs

# Reloads under load for up to three hours, or whatever SOAK says.
soak:
	go build -o bin/soak ./soak
	bin/soak $(SOAK)
