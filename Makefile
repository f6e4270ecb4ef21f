.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin

help:            ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## */\t/' | expand -t 14

setup: .venv/ready  ## .venv with what constraints.txt pins, once

.venv/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

demo: setup      ## train the paper's Baseline and the auto-encoder on the embedded heads, silence latents
	$(BIN)/python -m facerot.train 'concats=[1,2,3,4],[]' -m
	@echo
	@echo "Look at   outputs/heads-quick/unet_concats-1234_seed-0/faces/figure6_test.png"
	@echo "          (input, target, output, then latent1 .. latent5 silenced in turn),"
	@echo "at the numbers in latents.csv one folder up, and at the curves: make dashboard"

train: setup     ## one run; settings in ARGS, e.g. make train ARGS="'concats=[2]' seed=1"
	$(BIN)/python -m facerot.train $(ARGS)

heads: setup     ## render the embedded faces again (tens of minutes; the zip that is there stays until the end)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[heads]'
	$(BIN)/python -m facerot.data.heads render --out facerot/data/heads/heads.zip

dashboard: setup ## TensorBoard on outputs/
	$(BIN)/tensorboard --logdir outputs

test: setup      ## the test suite
	$(BIN)/python -m pytest

bench: setup     ## speed as ratios: training against a bare loop, masks against plain passes
	$(BIN)/python -m tests.benchmarks

lint: setup      ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

.PHONY: help setup demo train heads dashboard test bench lint
