# Every target does its own set-up and is quick when there is nothing to do. `make` alone tells what there is.
PY := .venv/bin/python
UV_VERSION := 0.13.8
ARGS ?=
MINUTES ?= 3
export PATH := $(CURDIR)/.venv/bin:$(PATH)

.PHONY: help setup demo test check bench soak fuzz lock bill clean debian

help:
	@sed -n 's/^## //p' Makefile

## make setup   virtual environment with the locked packages, openmpu in it
setup: .venv/.ready

.venv/.ready: requirements/dev.lock pyproject.toml src/openmpu/version.py
	@test -x $(PY) || python3 -m venv .venv
	@$(PY) -c 'import uv' 2>/dev/null || $(PY) -m pip install -q --disable-pip-version-check uv==$(UV_VERSION)
	@VIRTUAL_ENV=$(CURDIR)/.venv $(PY) -m uv pip install -q --require-hashes -r requirements/dev.lock
	@VIRTUAL_ENV=$(CURDIR)/.venv $(PY) -m uv pip install -q --no-deps --no-build-isolation-package openmpu -e . 2>/dev/null \
	  || VIRTUAL_ENV=$(CURDIR)/.venv $(PY) -m uv pip install -q --no-deps -e .
	@touch $@

## make demo    everything at once on this machine; ARGS="--seconds 20 --save out.flv" for unattended use
demo: setup
	@openmpu demo $(ARGS)

## make test    the whole suite; installs the Debian packages that it needs when it may; ARGS="tests/model -x" for a part
test: setup debian
	@$(PY) -m pytest $(ARGS)

## make check   ruff, mypy --strict, import rules
check: setup
	@ruff check src tests bench examples
	@ruff format --check src tests bench examples
	@mypy
	@lint-imports --no-cache

## make bench   the benchmarks; ARGS="mix" for one of them
bench: setup
	@openmpu bench $(ARGS)

## make soak    random life and random blows, judged: MINUTES=3 ARGS="--seed 7 --json out.json"
soak: setup debian
	@$(PY) -m tests.rig.soak --minutes $(MINUTES) $(ARGS)

## make fuzz    garbage at every door of a running server, beside a stream that must not notice: MINUTES=60
fuzz: setup debian
	@$(PY) -m tests.rig.fuzz --minutes $(MINUTES) $(ARGS)

## make lock    the locks anew from pyproject.toml
lock: setup
	@$(PY) -m uv pip compile -q --universal --generate-hashes --python-version 3.11 --no-header pyproject.toml -o requirements/core.lock
	@$(PY) -m uv pip compile -q --universal --generate-hashes --python-version 3.11 --no-header pyproject.toml --group test --group check -o requirements/dev.lock
	@$(PY) -m uv pip compile -q --universal --generate-hashes --python-version 3.11 --no-header --group sdk-old -o requirements/sdk-old.lock

## make bill    the bill of materials (CycloneDX) on standard output; make -s bill > FILE
bill: setup
	@$(PY) scripts/bill_of_materials.py

debian:
	@scripts/debian-packages

clean:
	@rm -rf .venv .venv-sdk-old .mypy_cache .ruff_cache .pytest_cache .hypothesis dist build
