# schload: make help lists the targets.
SHELL := bash
.DEFAULT_GOAL := help
FUZZTIME ?= 5s
GO_REDIS_PASSES ?= 30

.PHONY: help build test race fuzz bench check golden e2e e2e-node e2e-go-redis e2e-browser e2e-observability start-lag e2e-kubernetes e2e-compose demo preview pictures matrix-picture clean

help: ## list the targets
	@grep -E '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

build: ## build bin/schload
	CGO_ENABLED=0 go build -trimpath -o bin/schload ./cmd/schload

test: ## run every test of the module
	go test -timeout 20m ./...

race: ## run the tests under the race detector, in random order
	go test -timeout 20m -race -shuffle=on -short ./...

fuzz: ## fuzz every target for FUZZTIME (5s)
	@go list -f '{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}}{{end}}' ./... | while read -r pkg; do \
	  for f in $$(go test -list '^Fuzz' $$pkg | grep '^Fuzz' || true); do \
	    echo "fuzz $$pkg $$f"; go test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 20x $$pkg || exit 1; done; done

bench: ## side-by-side benchmarks with peers (see docs/PERFORMANCE.md)
	cd bench && go test -run '^$$' -bench . -benchmem -count 6 ./...

check: ## gofmt, vet, staticcheck, go mod tidy, tests
	@test -z "$$(gofmt -l .)" || { echo "gofmt wants:"; gofmt -l .; exit 1; }
	go mod tidy -diff
	go vet ./...
	go tool staticcheck ./...
	go test -timeout 20m ./...

golden: ## rewrite golden files and generated docs; read the diff before committing
	go test $$(grep -rl 'Bool("update"' --include='*_test.go' . | xargs -n1 dirname | sort -u) -update

e2e: ## long end-to-end checks (upgrades of a real Redis Cluster, ten repeats, soak, a day)
	E2E=1 go test -count=1 -timeout 20m -run 'TestScripts/cluster-' -v ./cmd/schload
	E2E=1 go test -count=1 -timeout 60m -run 'E2E' -v ./cmd/schload ./internal/... ./handoff/...

e2e-node: build ## node-redis against schload sim (needs node and npm)
	cd test/clients/node && npm ci && SCHLOAD='$(CURDIR)/bin/schload' npm test

e2e-go-redis: build ## go-redis' own suite against schload sim, unchanged (takes minutes)
	cd test/clients/go-redis && go run . -schload '$(CURDIR)/bin/schload' -want $(GO_REDIS_PASSES)

e2e-browser: ## the HTML report in a headless Chromium (needs chromium, node and npm)
	cd test/browser && npm ci
	E2E=1 go test -timeout 30m -count=1 -run E2EBrowser -v ./internal/report

# Where the collector and Prometheus of e2e-observability are built: once, from
# the versions that the modules in test/observability pin.
OBSERVABILITY ?= build/observability

$(OBSERVABILITY)/prometheus: test/observability/prometheus/go.mod
	cd test/observability/prometheus && CGO_ENABLED=0 go build -trimpath -tags netgo,remove_all_sd \
	  -ldflags '-s -w -X github.com/prometheus/common/version.Version=3.15.0' -o '$(abspath $@)' github.com/prometheus/prometheus/cmd/prometheus

# What the healthcheck of Prometheus' image runs.
$(OBSERVABILITY)/promtool: test/observability/prometheus/go.mod
	cd test/observability/prometheus && CGO_ENABLED=0 go build -trimpath -tags netgo,remove_all_sd -ldflags '-s -w' -o '$(abspath $@)' github.com/prometheus/prometheus/cmd/promtool

$(OBSERVABILITY)/collector: test/observability/collector/go.mod test/observability/collector/main.go
	cd test/observability/collector && CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o '$(abspath $@)' .

e2e-observability: build $(OBSERVABILITY)/prometheus $(OBSERVABILITY)/collector ## real collector and Prometheus read back what the bundle has, boards drawn of it to build/preview (first time: 5 minutes of building)
	cd dashboards/test && go build -trimpath -o '$(abspath $(OBSERVABILITY)/preview)' ./preview
	cd dashboards/test && OTELCOL='$(abspath $(OBSERVABILITY)/collector)' go test -count=1 -run ThroughCollector -v .
	E2E=1 SCHLOAD='$(CURDIR)/bin/schload' PREVIEW='$(abspath $(OBSERVABILITY)/preview)' PICTURES='$(abspath build/preview)' PROMETHEUS='$(abspath $(OBSERVABILITY)/prometheus)' OTELCOL='$(abspath $(OBSERVABILITY)/collector)' \
	  go test -count=1 -timeout 15m -run 'E2E(Observability|Collector)' -v ./test/observability

start-lag: build $(OBSERVABILITY)/prometheus $(OBSERVABILITY)/collector ## the start lag with and without exports, 8 blocks of runs in turn (9 minutes, wants a quiet machine)
	E2E=1 SCHLOAD='$(CURDIR)/bin/schload' PROMETHEUS='$(abspath $(OBSERVABILITY)/prometheus)' OTELCOL='$(abspath $(OBSERVABILITY)/collector)' \
	  go test -count=1 -timeout 60m -run E2EStartLag -v ./test/observability

# standins: images made of what is built here and Debian's redis-server; released:
# those that docker-compose.yml names, from their registries.
IMAGES ?= standins

e2e-compose: build $(OBSERVABILITY)/prometheus $(OBSERVABILITY)/promtool $(OBSERVABILITY)/collector ## docker compose up with stand-in images, both arms in Prometheus, every board query, a clean stop (SKIP without a Docker engine); and its commands as processes
	E2E=1 IMAGES='$(IMAGES)' SCHLOAD='$(CURDIR)/bin/schload' PROMETHEUS='$(abspath $(OBSERVABILITY)/prometheus)' PROMTOOL='$(abspath $(OBSERVABILITY)/promtool)' OTELCOL='$(abspath $(OBSERVABILITY)/collector)' \
	  go test -count=1 -timeout 30m -run E2ECompose -v ./test/observability

e2e-kubernetes: build ## the manifests against the API server's validation, the Job's command in several processes here, their bundles merged
	cd test/kubernetes && E2E=1 go test -count=1 -v ./...

demo: ## the README's first command
	go run ./cmd/schload run

preview: build ## play three upgrades and draw the boards of them to build/preview (no Grafana)
	cd dashboards/test && go run ./preview

pictures: ## docs/images/board-*.png of what e2e-observability drew last (needs chromium)
	@set -e; for board in handoffs:1650 matrix explorer; do name=$${board%:*}; svg='$(CURDIR)'/build/preview/$$name.svg; \
	  size=$$(sed -n '1s/.*width="\([0-9]*\)" height="\([0-9]*\)".*/\1,\2/p' "$$svg"); case $$board in *:*) size=$${size%,*},$${board#*:};; esac; \
	  chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --window-size=$$size --screenshot='$(CURDIR)'/docs/images/board-$$name.png "file://$$svg" 2>&1 | grep written; done

matrix-picture: ## docs/images/matrix.png of the matrix in MATRIX (needs chromium, node and npm)
	@test -n '$(MATRIX)' || { echo 'which one? make matrix-picture MATRIX=m, after go run ./cmd/schload matrix --quick --out m'; exit 2; }
	mkdir -p build
	go run ./cmd/schload report '$(MATRIX)' -o build/matrix.html
	cd test/browser && { test -d node_modules || npm ci; } && node picture.js '$(CURDIR)'/build/matrix.html '$(CURDIR)'/docs/images/matrix.png

clean: ## remove what builds and runs left
	rm -rf bin build runs
