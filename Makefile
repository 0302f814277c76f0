# Each target makes its own environment in .venv first, once.
PYTHON ?= python3
VENV ?= .venv
PYTEST_ARGS ?=

bin = $(abspath $(VENV))/bin
pip = $(bin)/python -m pip --quiet --disable-pip-version-check install --constraint constraints.txt
# mpiexec and python are found by name, as a script of hpcgen's finds them.
in_venv = PATH="$(bin):$$PATH"

# What needs neither root nor daemons nor prepared environments, and builds no packages.
quick = not cluster and not prepared and not slow

.PHONY: check test cluster demo bench pyz clean

demo: $(VENV)/.demo
	@$(in_venv) hpcgen slurm --site mahuika --hetjob
	@echo
	@echo '# The same workload, run for real on this machine: hpcgen run --site local --workers 3'
	@$(in_venv) hpcgen run --site local --workers 3

check: $(VENV)/.check
	@$(in_venv) ruff check src tests benchmarks tools
	@$(in_venv) mypy
	@$(in_venv) python -m pytest -q -n 2 -m '$(quick)' --ignore=tests/cluster $(PYTEST_ARGS)

test: $(VENV)/.test
	@$(in_venv) python -m pytest $(PYTEST_ARGS)

# The miniatures one after the other: their hosts would take each other's CPUs.
cluster: $(VENV)/.test
	@$(in_venv) python -m pytest tests/cluster $(PYTEST_ARGS)

bench: $(VENV)/.demo
	@$(in_venv) python benchmarks/startup.py

# One file with all that hpcgen needs: docs/offline.md.
pyz: $(VENV)/.base
	@$(in_venv) python tools/pyz.py dist

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 9) and "hpcgen needs Python 3.9 or newer: make PYTHON=python3.9")'
	@$(PYTHON) -m venv $(VENV) || { echo 'no venv module: apt-get install python3-venv, or make PYTHON=...' >&2; exit 1; }
	@touch $@

# The build backend comes first, so that it is the constrained one and not a newer one of pip's choice.
$(VENV)/.base: $(VENV)/.made pyproject.toml constraints.txt
	@echo 'setting up $(VENV) (once)' >&2
	@$(pip) hatchling
	@$(pip) --no-build-isolation --editable .
	@touch $@

$(VENV)/.demo: $(VENV)/.base
	@$(pip) --no-build-isolation --editable '.[dask,mpi]'
	@touch $@

$(VENV)/.test: $(VENV)/.demo
	@$(pip) --no-build-isolation --editable '.[dask,mpi,test]'
	@touch $@

$(VENV)/.check: $(VENV)/.demo
	@$(pip) --no-build-isolation --editable '.[dask,mpi,test,dev]'
	@touch $@

clean:
	rm -rf $(VENV) dist .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find src tests benchmarks tools -name __pycache__ -prune -exec rm -rf {} +
