# `make help` lists the targets. Each builds .venv by itself when it is missing or out of date.
PYTHON ?= python3
DATASET ?= ml-1m
MODEL ?= autointmlp
SETTING ?= tuned
PROTOCOL ?= test-rows
GRID ?= original
PORT ?= 8501
BIN := .venv/bin
CONTENDERS := $(patsubst %.txt,benchmarks/.envs/%.stamp,$(notdir $(wildcard benchmarks/ours.txt benchmarks/peers/*.txt)))

.PHONY: help setup data app train evaluate search notebooks test lint format bench lock picture

help: ## list the targets
	@grep -E '^[a-z]+:.*## ' Makefile | sed 's/:.*## /\t/' | expand -t 12

setup: .venv/run.stamp ## build .venv from requirements.txt

.venv/run.stamp: requirements.txt
	@$(PYTHON) -c 'import sys; (3, 11) <= sys.version_info < (3, 14) or sys.exit("Python 3.11, 3.12 or 3.13 is needed, this is " + sys.version.split()[0] + ". Name another one: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --requirement requirements.txt
	@touch $@

.venv/test.stamp: .venv/run.stamp requirements-dev.txt
	$(BIN)/python -m pip install --quiet --requirement requirements-dev.txt
	@touch $@

data: setup ## fetch MovieLens 1M, or 100K where 1M cannot be had
	$(BIN)/python -m movierec.datasets ml-1m ml-100k

app: data ## open the AutoInt+ page (PORT=8501)
	$(BIN)/streamlit run show_st2.py --server.port $(PORT)

train: setup ## train MODEL=autointmlp on DATASET=ml-1m with SETTING=tuned
	$(BIN)/python -m movierec.training --model $(MODEL) --dataset $(DATASET) --setting $(SETTING) --protocol $(PROTOCOL)

evaluate: setup ## evaluate the saved models by PROTOCOL=test-rows (or all) and write the table
	$(BIN)/python -m movierec.evaluation --dataset $(DATASET) --protocol $(PROTOCOL)
	$(BIN)/python -m movierec.reliability --dataset $(DATASET)
	$(BIN)/python -m movierec.explain --dataset $(DATASET)

search: setup ## go on with the grid search GRID=original (or wide)
	$(BIN)/python -m movierec.experiments --grid $(GRID) --dataset $(DATASET)

notebooks: .venv/test.stamp ## run every notebook on DATASET=ml-1m
	DATASET=$(DATASET) $(BIN)/python -m tests.notebooks

test: .venv/test.stamp ## run the tests
	$(BIN)/python -m pytest

lint: .venv/test.stamp ## check style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: .venv/test.stamp ## put style right
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: setup $(CONTENDERS) ## measure speed beside other libraries' AutoInt
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
