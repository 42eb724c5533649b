# For contributors. `make` alone lists the targets. Readers need none of this: see README.md.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: help setup open data test pretend lint draft lesson lessons insert address \
  student student-test solved slides site times contents
help:
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 14

setup: $(BIN)/jupyter  ## make the environment .venv and install everything
$(BIN)/jupyter: requirements.txt pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install -r requirements.txt
	@touch $@

open: setup  ## JupyterLab with the first lesson
	$(BIN)/jupyter lab --LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb

data: setup  ## fetch the datasets and draw the hands now, for a classroom without network
	$(BIN)/python -m helpers.data

test: setup  ## the tests and all lessons, outputs compared
	$(BIN)/pytest --nbval

pretend: setup  ## all lessons (or L=01) on a pretended GPU, trainings cut short: device faults
	$(BIN)/python tests/pretended_lessons.py $(L)

lint: setup  ## style of the code, in the lessons too
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

draft: setup  ## make draft L=01: the lesson as a script to edit, in build/
	$(BIN)/python tools/lesson.py draft $(L)

lesson: setup  ## make lesson L=01: take the draft over, execute, clean, test; what speaks of it
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python tools/lesson.py build $(L)
	$(BIN)/python tools/lesson.py test $(L)

insert: setup  ## make insert L=06 NAME=a_new_one: room for a new lesson, and its first form
	$(BIN)/python tools/lesson.py insert $(L) $(NAME)

lessons: setup  ## execute and clean all lessons
	for l in notebooks/*.ipynb; do \
	  PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python tools/lesson.py build $$(basename $$l .ipynb) || exit 1; done

site: setup  ## the website, from the stored outputs, into build/site
	$(BIN)/python tools/website.py

address: setup  ## make address URL=https://github.com/you/fork: badges and setup cells
	$(BIN)/python tools/lesson.py address $(URL)

student: setup  ## copies without solutions and outputs, to hand out: build/student.zip
	$(BIN)/python tools/student.py

student-test: setup  ## … and run each of them to its end
	$(BIN)/python tools/student.py run

solved: setup  ## run every lesson with its solutions put in
	$(BIN)/python tools/student.py solved

slides: setup  ## slides of all lessons (or L=01), without network: build/slides
	$(BIN)/python tools/slides.py $(L)

times: setup  ## seconds of all lessons (or L=01): for the table, on a quiet machine
	$(BIN)/python benchmarks/times.py $(L)
	$(BIN)/python tools/contents.py

contents: setup  ## all that is made from the lessons: tables, map, titles, numbers, links
	$(BIN)/python tools/contents.py
