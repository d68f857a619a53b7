# `make help` lists the targets. Each builds .venv if it is missing or out of date.
PYTHON ?= python3
DATASET ?= ml-1m
MODEL ?=
SETTING ?=
PROTOCOL ?=
GRID ?= original
PORT ?= 8501
BIN := .venv/bin
MOVIEREC := $(BIN)/python -m movierec
PEERS := $(patsubst %.txt,benchmarks/.envs/%.stamp,$(notdir $(wildcard benchmarks/ours.txt benchmarks/peers/*.txt)))

.PHONY: help setup data app train evaluate tables search notebooks html test test-all lint format bench lock picture

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' Makefile | sed 's/:.*## /\t/' | expand -t 12

setup: .venv/run.stamp .venv/compiled.stamp ## build .venv from requirements.txt and compile the kernels

.venv/run.stamp: requirements.txt
	@$(PYTHON) -c 'import sys; (3, 11) <= sys.version_info < (3, 14) or sys.exit("Python 3.11, 3.12 or 3.13 is needed, this is " + sys.version.split()[0] + ". Choose another one: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --requirement requirements.txt
	@touch $@

.venv/compiled.stamp: .venv/run.stamp movierec/models/kernels.py
	@$(MOVIEREC) compile
	@touch $@

.venv/test.stamp: .venv/run.stamp .venv/compiled.stamp requirements-dev.txt
	$(BIN)/python -m pip install --quiet --requirement requirements-dev.txt
	@touch $@

data: setup ## download or read DATASET=ml-1m (by default 100K if 1M is unavailable)
	$(MOVIEREC) data $(if $(filter ml-1m,$(DATASET)),ml-1m ml-100k,$(DATASET))

app: data ## open the AutoInt+ page (PORT=8501, DATASET=)
	$(BIN)/streamlit run serve.py --server.port $(PORT)

train: setup ## train the pages' models on DATASET=ml-1m, or one (MODEL=autointmlp SETTING= PROTOCOL= REPLACE=1)
	$(MOVIEREC) train $(if $(MODEL),--model $(MODEL)) --dataset $(DATASET) $(if $(SETTING),--setting $(SETTING)) $(if $(PROTOCOL),--protocol $(PROTOCOL)) $(if $(REPLACE),--replace)

evaluate: setup ## evaluate the saved models by PROTOCOL=test-rows (or all); writes model/*.csv
	$(MOVIEREC) evaluate --dataset $(DATASET) $(if $(PROTOCOL),--protocol $(PROTOCOL))

tables: setup ## write the tables in the READMEs and docs/ from model/*.csv
	$(MOVIEREC) tables

search: setup ## run or continue the grid search GRID=original (STALE=rerun: old trials again)
	$(MOVIEREC) search --grid $(GRID) --dataset $(DATASET) $(if $(STALE),--stale $(STALE))

notebooks: .venv/test.stamp ## run every notebook on DATASET=ml-1m
	DATASET=$(DATASET) $(BIN)/python -m tests.notebooks

html: .venv/test.stamp ## write the notebooks as pages to read and print, to html/
	$(BIN)/python -m tests.notebooks html

test: .venv/test.stamp ## run the tests, without the slow ones
	$(BIN)/python -m pytest -m "not slow" -n 2 --dist loadfile

test-all: test ## run all tests
	$(BIN)/python -m pytest -m slow -n 2 --dist loadfile

lint: .venv/test.stamp ## check the style, and the locked packages for known vulnerabilities
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	@$(BIN)/pip-audit --strict --disable-pip --no-deps --timeout 10 --requirement requirements-dev.txt >.venv/audit.txt 2>&1; \
	code=$$?; \
	if [ $$code = 0 ] || grep -q "^Found " .venv/audit.txt; then cat .venv/audit.txt; exit $$code; fi; \
	echo "pip-audit was skipped, its database cannot be reached: $$(tail -1 .venv/audit.txt | cut -c1-200)"

format: .venv/test.stamp ## correct the style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: setup $(PEERS) ## measure the speed compared with other libraries' AutoInt
	$(BIN)/python -m benchmarks.speed

benchmarks/.envs/ours.stamp: requirements.txt
vpath %.txt benchmarks benchmarks/peers
benchmarks/.envs/%.stamp: %.txt
	@$(PYTHON) -m venv benchmarks/.envs/$* && benchmarks/.envs/$*/bin/python -m pip install --quiet --requirement $< && touch $@ || echo "$* cannot be installed here"

lock: .venv/test.stamp ## renew the exact versions from requirements*.in
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --no-header requirements.in --output-file requirements.txt
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --no-header requirements-dev.in --output-file requirements-dev.txt

picture: .venv/test.stamp ## take the README's pictures from the running app
	$(BIN)/python -m tests.picture
