# make demo, make test, make bench: each makes its own environment in .venv first, once.
PYTHON ?= python3
VENV ?= .venv
PYTEST_ARGS ?=

bin = $(abspath $(VENV))/bin
pip = $(bin)/python -m pip --quiet --disable-pip-version-check install --constraint constraints.txt
# mpiexec and python are found by name, as a script of hpcgen's finds them.
in_venv = PATH="$(bin):$$PATH"

.PHONY: demo test bench clean

demo: $(VENV)/.demo
	@$(in_venv) hpcgen slurm --site mahuika --hetjob
	@echo
	@echo '# The same workload, run for real on this machine: hpcgen run --site local --workers 3'
	@$(in_venv) hpcgen run --site local --workers 3

test: $(VENV)/.test
	@$(in_venv) python -m pytest $(PYTEST_ARGS)

bench: $(VENV)/.demo
	@$(in_venv) python benchmarks/startup.py

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 9) and "hpcgen needs Python 3.9 or newer: make PYTHON=python3.9")'
	@$(PYTHON) -m venv $(VENV) || { echo 'no venv module: apt-get install python3-venv, or make PYTHON=...' >&2; exit 1; }
	@touch $@

# The build backend comes first, so that it is the constrained one and not a newer one of pip's choice.
$(VENV)/.demo: $(VENV)/.made pyproject.toml constraints.txt
	@echo 'setting up $(VENV) (once)' >&2
	@$(pip) hatchling
	@$(pip) --no-build-isolation --editable '.[dask,mpi]'
	@touch $@

$(VENV)/.test: $(VENV)/.demo
	@$(pip) --no-build-isolation --editable '.[dask,mpi,test]'
	@touch $@

clean:
	rm -rf $(VENV)
