.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
BUDGET ?= quick
DATA ?= heads
EXPERIMENT ?= paper
STUDY ?= $(DATA)-$(BUDGET)
BASELINE = 'concats=[1,2,3,4]'
CHOICES = data=$(DATA) budget=$(BUDGET) study=$(STUDY)

help:            ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## */\t/' | expand -t 14

setup: .venv/ready  ## .venv with what constraints.txt pins, once

.venv/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

demo: setup      ## train the paper's Baseline and the auto-encoder on the embedded heads, silence latents, report
	@echo "Two networks learn to turn rendered faces to the front: an auto-encoder, whose picture must pass 2x2 pixels,"
	@echo "and a U-Net, whose Concats lead past them. Then their latents are silenced, one by one and together."
	@$(BIN)/python -m facerot.train +experiment=table1 seed=0
	@echo; echo "Where the U-Net carries and makes the turn:"
	@$(BIN)/python -m facerot.analyse $(BASELINE)
	@echo; echo "The page of it all:"
	@$(BIN)/python -m facerot.report
	@echo "in a browser: both networks run in it, under 'Try it'. The loss curves: make dashboard. All of the paper: make paper"

train: setup     ## one run; settings in ARGS, e.g. make train ARGS="'concats=[2]' seed=1"
	$(BIN)/python -m facerot.train $(ARGS)

paper: setup     ## every run of the paper, then the report: BUDGET=full, DATA=.., STUDY=.., EXPERIMENT=seeds, ARGS="seed=0,1,2 jobs=1"
	$(BIN)/python -m facerot.train +experiment=$(EXPERIMENT) $(CHOICES) $(ARGS); trained=$$?; \
	$(BIN)/python -m facerot.analyse study=$(STUDY) $(BASELINE); \
	$(BIN)/python -m facerot.report study=$(STUDY) && exit $$trained

multiverse: setup ## which unnamed setting decides each claim, then the report: BUDGET=full, ARGS="roots.london=DIR"
	$(BIN)/python -m facerot.train +experiment=multiverse budget=$(BUDGET) $(ARGS); trained=$$?; \
	$(BIN)/python -m facerot.report study=multiverse-$(BUDGET) && exit $$trained

measure: setup   ## what is lacking of the tables of a study: STUDY=heads-full
	$(BIN)/python -m facerot.measure study=$(STUDY)

analyse: setup   ## where the turn is carried and made: tables beside those of each run: STUDY=heads-full
	$(BIN)/python -m facerot.analyse study=$(STUDY)

report: setup    ## the report of a study: STUDY=heads-full
	$(BIN)/python -m facerot.report study=$(STUDY)

heads: setup     ## render the embedded faces again (tens of minutes; the zip that is there stays until the end)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[heads]'
	$(BIN)/python -m facerot.data.heads render --out facerot/data/heads/heads.zip

dashboard: setup ## TensorBoard on outputs/
	$(BIN)/tensorboard --logdir outputs

test: setup      ## the test suite
	$(BIN)/python -m pytest -n 2

coverage: setup  ## the same, and which branches it runs through; slower
	$(BIN)/python -m pytest -n 2 --cov --cov-report=term:skip-covered

bench: setup     ## speed as ratios, into outputs/bench: ARGS="steps masks" for some of it, ARGS=paper for the whole paper
	$(BIN)/python -m tests.benchmarks $(ARGS)

attacks: setup   ## half an hour: 2,000 seeded mutations of what is read, 60 kills, 20 times two at once; SEED
	$(BIN)/python -m tests.attacks 2000 $(or $(SEED),0)
	$(BIN)/python -m tests.attacks.kill 60 $(or $(SEED),0)
	$(BIN)/python -m tests.attacks.bits 20

test-slurm: setup ## twelve jobs on a SLURM of two nodes, started here for it and disturbed (root, apt: slurm-wlm, munge)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[slurm]'
	$(BIN)/python -m tests.slurm

mutants: setup   ## half an hour: which changes of masks, scores, splits, evidence and claims no test notices
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[mutants]'
	$(BIN)/mutmut run
	$(BIN)/mutmut results

audit: setup     ## known vulnerabilities of what constraints.txt pins (asks the package registry)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[audit]'
	$(BIN)/pip-audit --no-deps --disable-pip -r constraints.txt

lint: setup      ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

.PHONY: help setup demo train paper multiverse measure analyse report heads dashboard test coverage test-slurm bench attacks mutants audit lint
