# The list of commands. `make` alone prints it.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

TARGET := $(or $(CARGO_TARGET_DIR),$(CURDIR)/target)
# What scripts/prerequisites.sh installs goes here when the system has nothing new enough.
export PATH := $(CURDIR)/target/tools/bin:$(CURDIR)/target/tools/node/bin:$(or $(CARGO_HOME),$(HOME)/.cargo)/bin:$(PATH)

WEB_SOURCES := $(shell find web/src web/public -type f 2>/dev/null) \
	$(wildcard web/*.html web/*.json web/*.ts)

.PHONY: help run test lint fmt web build bench clean

help: ## Print this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

run: ## Install what is missing, build, and start the platform with the demo
	@scripts/prerequisites.sh
	@$(MAKE) build
	@exec "$(TARGET)/release/pave" up --demo

test: ## Run everything that must hold: lints, tests, pages in a browser, Azure SDK
	@scripts/prerequisites.sh --test
	@scripts/test.sh

lint: web ## Check format, lints and types
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	@if command -v shellcheck >/dev/null; then shellcheck scripts/*.sh .ci/run; fi

fmt: ## Format the Rust code
	cargo fmt --all

web: web/dist/index.html ## Check and build the pages

build: web ## Build the release binary, pages included
	cargo build --release --locked -p pave

bench: build ## Measure, and print a table
	@python3 bench/run.py

clean: ## Delete everything that was built
	rm -rf target web/dist web/node_modules bench/*/target

web/node_modules/.installed: web/package.json web/package-lock.json
	cd web && npm ci --no-fund --no-audit
	@touch $@

web/dist/index.html: web/node_modules/.installed $(WEB_SOURCES)
	cd web && npm run check && npm run build
	@touch $@
