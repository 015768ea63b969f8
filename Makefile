# Everything a developer does here. `make help` lists it.
SHELL   := /bin/sh
VERSION := $(shell git describe --always --dirty 2>/dev/null)
LDFLAGS := -s -w -X alsbot/app.version=$(VERSION)
GOBIN   := $(CURDIR)/bin
GOLANGCI_VERSION := v2.15.0

.PHONY: help build demo test race check lint bench faults soak fuzz generate tools clean

help: ## list the targets
	@awk -F':.*## ' '/^[a-z]+:.*## / {printf "  %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## build bin/alsbot
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o bin/alsbot ./cmd/alsbot

demo: ## start a simulated cluster and workspace on http://127.0.0.1:8080
	CGO_ENABLED=0 go build -trimpath -o bin/alsdemo ./cmd/alsdemo
	@exec bin/alsdemo

test: tools ## run all tests; installs what they need (sshd, Chromium, shells, npm packages)
	go test -timeout 15m ./...

race: tools ## the tests with the race detector, and no skips
	scripts/test-noskip go test -race -timeout 30m $$(go list ./... | grep -v -e /faults -e /cmd/alsbot)
	scripts/test-noskip go test -race -timeout 50m ./cmd/alsbot
	scripts/test-noskip go test -timeout 15m -parallel 64 ./faults

check: race lint ## exactly what CI runs
	go mod tidy -diff
	@test -z "$$(gofmt -l .)" || { gofmt -l .; exit 1; }

lint: ## go vet and golangci-lint
	go vet ./...
	go run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION) run ./...

bench: ## the figures that matter, beside their limits, in one run
	go test -run '^$$' -bench Figures -benchtime 1x -timeout 10m ./bench

faults: tools ## break everything on purpose and show that no run is lost or doubled (25 minutes)
	ALSBOT_FAULTS=ci go test -v -count 1 -parallel 64 -timeout 60m -run TestFaults ./faults

soak: tools ## the same with the counts for a release (many hours)
	ALSBOT_FAULTS=soak go test -v -count 1 -parallel 64 -timeout 48h -run TestFaults ./faults

fuzz: ## every fuzz target for 20 seconds
	scripts/fuzz 20s

generate: ## write docs/commands.md from the catalogue
	go run ./cmd/alsdemo commands > docs/commands.md

tools: ## install what the tests need, where that is possible
	@scripts/setup

clean: ## remove what was built
	rm -rf bin
