# What a developer runs by hand, and .ci/run in order. `make` alone lists it.

SHELL       := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

GO       ?= go
FUZZTIME ?= 10s

# Tools, pinned; each version has a folder of its own, so that a new one is fetched.
GOFUMPT     := .tools/gofumpt-v0.12.0/gofumpt
STATICCHECK := .tools/staticcheck-v0.8.2/staticcheck

MODULES := $(shell find . -name go.mod -not -path './.*' -exec dirname {} \; | sort)

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: test race
test: ## all tests, as a user runs them
	$(GO) test work

# Processes of their own and a model in one goroutine have no races to detect.
race: ## tests under the race detector (needs a C compiler), at their short size
	LEAT_RABBIT= LEAT_SERVICES= CGO_ENABLED=1 $(GO) test -short -race -count=1 $$($(GO) list work | grep -v -e /sqlite/processes$$ -e /broker/protocol$$)

.PHONY: rabbit
rabbit: ## the suite on RabbitMQ, by itself: it runs on real time
	$(GO) test -count=1 ./backends/broker/cdk/rabbit

.PHONY: check fmt vet staticcheck tidy rules standalone
check: fmt vet staticcheck tidy rules standalone ## what needs no run: the next six

fmt: $(GOFUMPT) ## gofumpt, without changing a file
	@bad=$$($(GOFUMPT) -l .); if [ -n "$$bad" ]; then echo "not gofumpt'ed:"; echo "$$bad"; exit 1; fi

vet: ## go vet
	$(GO) vet work
	$(GO) vet -tags aws ./examples/whatif

staticcheck: $(STATICCHECK) ## staticcheck
	$(STATICCHECK) work

tidy: ## go.mod and go.sum of every module say what is needed, and no more
	@for m in $(MODULES); do echo "tidy $$m"; (cd $$m && GOWORK=off $(GO) mod tidy -diff); done

rules: ## imports go one way (internal/rules)
	$(GO) test -count=1 ./internal/rules

standalone: ## every module builds outside the workspace, as its users get it
	@for m in $(MODULES); do \
		echo "standalone $$m"; (cd $$m && GOWORK=off $(GO) vet ./... && GOWORK=off $(GO) build -o /dev/null ./...); \
	done

$(GOFUMPT):
	GOBIN=$(CURDIR)/$(@D) $(GO) install mvdan.cc/gofumpt@v0.12.0

$(STATICCHECK):
	GOBIN=$(CURDIR)/$(@D) $(GO) install honnef.co/go/tools/cmd/staticcheck@v0.8.2

# The long rows of the test plan. Backends: A1 simulation, A2 histories against the
# specification, A3 linearizability; SQLite: B1 kill -9, B3 crash points, D1 backlog, R11 caps. Workers: A1 storms, B4 zombies, E2 stops, E5
# poison; their other rows are of that size always. A seed that fails is printed.
ROWS := 'Storm|Zombies|FaultMatrix|RedLights|NoisyNeighbour|Arrivals|RetryStorm|Restarts|Stopping|Recovery|Poison|ProcessKiller'

.PHONY: long soak
long: ## the rows of the test plan at the size of CI
	LEAT_CALLS=1000000 LEAT_STEPS=1000000 LEAT_SEEDS=20000 LEAT_OPS=100000 \
		$(GO) test -count=1 -timeout 15m ./backends ./backends/memory ./backends/broker/protocol
	LEAT_CALLS=200000 LEAT_OPS=100000 $(GO) test -count=1 -timeout 15m -run 'A1|A3' ./backends/broker
	LEAT_CALLS=500000 LEAT_PAUSES=2000 LEAT_STOPS=300 LEAT_POISON=10000 LEAT_ARRIVALS=20000 \
		$(GO) test -count=1 -timeout 15m -run $(ROWS) ./worker/...
	LEAT_DAYS=90 $(GO) test -count=1 -timeout 15m -run E4 ./queue/schedule
	LEAT_POINTS=3 LEAT_EXITS=100 $(GO) test -count=1 -timeout 15m -run B3 ./backends/sqlite
	LEAT_JOBS=100000 LEAT_KILLS=20 LEAT_PAUSES=20 LEAT_STOPS=10 LEAT_POISON=2000 LEAT_BACKLOG=100000 LEAT_SAMPLE=5000 LEAT_CAPS=5 \
		$(GO) test -count=1 -timeout 15m ./backends/sqlite/processes

soak: ## the same a hundred times and more, for a night; the log is evidence
	mkdir -p docs/evidence
	LEAT_CALLS=1000000000 LEAT_STEPS=100000000 LEAT_SEEDS=10000000 LEAT_OPS=10000000 \
		$(GO) test -count=1 -timeout 0 -v ./backends/... 2>&1 | tee docs/evidence/soak.log
	LEAT_CALLS=100000000 LEAT_PAUSES=100000 LEAT_STOPS=5000 LEAT_POISON=200000 LEAT_FLOOD=1000000 \
		LEAT_ARRIVALS=20000 LEAT_RETRIES=100000 LEAT_STARTS=100000 \
		$(GO) test -count=1 -timeout 0 -v -run $(ROWS) ./worker/... 2>&1 | tee -a docs/evidence/soak.log
	LEAT_DAYS=3660 $(GO) test -count=1 -timeout 0 -v -run E4 ./queue/schedule 2>&1 | tee -a docs/evidence/soak.log
	LEAT_CALLS=1000000 LEAT_STEPS=50000 LEAT_OPS=100000 $(GO) test -count=1 -timeout 0 -v -run 'A1|A2|A3' ./backends/sqlite 2>&1 | tee -a docs/evidence/soak.log
	LEAT_JOBS=1000000 LEAT_KILLS=100 \
		$(GO) test -count=1 -timeout 0 -v -run Kill9 ./backends/sqlite/processes 2>&1 | tee docs/evidence/sqlite-kill9.log
	LEAT_PAUSES=2000 LEAT_STOPS=500 LEAT_POISON=20000 LEAT_BACKLOG=1000000 LEAT_SAMPLE=10000 LEAT_CAPS=600 \
		$(GO) test -count=1 -timeout 0 -v -run 'Zombies|Recovery|Killer|Backlog|Caps' ./backends/sqlite/processes 2>&1 | tee -a docs/evidence/soak.log

# The stories as a person runs them. The real files, where they are: LEAT_DATA, or
# beside the checkout.
DATA := $(or $(LEAT_DATA),../shared/data)
REAL  = -demand $(DATA)/online_retail_weekly_demand.csv -arrivals $(DATA)/online_retail_arrivals.csv

.PHONY: stories
stories: ## the example programs, on their samples and on real data where it is
	$(GO) run ./examples/whatif -json -daily 2> /dev/null | grep '"lost":0,"duplicated":0,'
	@rm -rf .stories && mkdir .stories
	$(GO) run ./examples/whatif -json -daily -queue 'sqlite://$(CURDIR)/.stories/jobs.db?queue=whatif' -ready queue:ready 2> /dev/null | grep '"lost":0,"duplicated":0,'
	$(GO) run ./examples/decoupled -json | grep '"lost":0,"duplicated":0,'
	$(GO) run ./examples/decoupled -json -queue 'sqlite://$(CURDIR)/.stories/plans.db?queue=plans' | grep '"lost":0,"duplicated":0,'
	@rm -rf .stories
	$(GO) test -count=1 -run OneFile ./examples/whatif
	$(GO) run ./examples/protectdb -json | grep '"lost":0,"duplicated":0,'
	@if [ -n "$$LEAT_MARIADB" ]; then $(GO) run ./examples/protectdb -json -db "$$LEAT_MARIADB" | grep '"lost":0,"duplicated":0,.*"peak":4,"denied":0,'; \
	else echo "skipped: a small database of a server needs one; make services starts it"; fi
	$(GO) run ./examples/lambda -json | grep '"lost":0,"duplicated":0,'
	@if [ -e $(DATA)/online_retail_arrivals.csv ]; then \
		$(GO) run ./examples/whatif -json -daily $(REAL) 2> /dev/null | grep '"lost":0,"duplicated":0,'; \
		$(GO) run ./examples/whatif -json -quiet $(REAL) 2> /dev/null | grep '"lost":0,"duplicated":0,'; \
	else echo "skipped: no real data in $(DATA); LEAT_DATA names its folder"; fi
	@if [ -n "$$LEAT_FAUXQS" ]; then $(GO) test -count=1 -tags aws -run Cloud ./examples/whatif; \
	else echo "skipped: the story on AWS needs servers; make services starts them"; fi

.PHONY: services
services: ## start fauxqs, dynalite, RabbitMQ and MariaDB for the tests, until Ctrl-C
	.ci/services $(or $(DIR),.services)

.PHONY: mutants fuzz
mutants: ## row A4: break one rule at a time, and see a test notice
	$(GO) run ./internal/mutants -every $(or $(EVERY),1) $(if $(TESTED),-tested)

fuzz: ## each Fuzz function for FUZZTIME (10s); SQLite takes minutes to instrument: NOFUZZ=sqlite
	@$(GO) test -list '^Fuzz' $$($(GO) list work | grep -v '/$(or $(NOFUZZ),nothing)$$') | awk ' \
		/^Fuzz/ { name[++n] = $$1 } \
		/^ok/   { for (i = 1; i <= n; i++) print $$2, name[i]; n = 0 }' | \
	while read -r pkg name; do \
		echo "$$name $$pkg"; \
		$(GO) test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) "$$pkg" < /dev/null; \
	done

.PHONY: bench bench-quick
bench: ## ours, the peers and the limit in turn, five times; BENCHFLAGS='-run live'
	cd bench && GOWORK=off $(GO) run . -json bench.out $(BENCHFLAGS)

bench-quick: ## the same in under two minutes
	cd bench && GOWORK=off $(GO) run . -quick -json bench.out $(BENCHFLAGS)
