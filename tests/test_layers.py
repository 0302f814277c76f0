"""The house as README draws it: who may import whom, and what a command loads. Sets of modules, never the wall clock."""

from __future__ import annotations

import ast
import importlib
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Dict, Iterator, List, Set

import pytest

from hpcgen import schedulers

TOP = Path(__file__).parent.parent
SOURCE = TOP / "src" / "hpcgen"
# Lowest first: a module imports, when it is imported itself, from lower layers and from its own.
LAYERS = (
    {"errors", "units", "words", "paths", "job", "tables", "shell", "dialects", "charging", "facts", "dask", "ray", "inside"},
    {"site", "profile", "request", "launchers", "programs", "cores", "schedulers", "workloads", "spelling"},
    {"allocation", "check", "comparing", "costs", "gpus", "partitions", "header", "origins", "software", "steps", "refusing", "placing", "staging", "binding", "heterogeneous", "remarks",
     "planning", "rendering", "explaining", "packages", "environment", "definition"},
    {"config", "submit", "jobqueue"},
    {"cli"},
)
LONGEST = 320
# What only some commands need, and none of them at once.
HEAVY = {"jinja2", "rich", "dask", "dask_jobqueue", "distributed", "mpi4py", "numpy", "pydantic", "yaml"}


def name(path: Path) -> str:
    """``schedulers.slurm`` for its file; a package's name for its ``__init__``."""
    return ".".join(path.relative_to(SOURCE).with_suffix("").parts).replace(".__init__", "")


MODULES = {name(path): path for path in sorted(SOURCE.rglob("*.py")) if path.parent != SOURCE or path.stem[0] != "_"}


def layer(module: str) -> int:
    first = module.partition(".")[0]
    found = next((number for number, names in enumerate(LAYERS) if first in names), None)
    assert found is not None, f"{module}: give it a place in LAYERS, and in README's picture of the house"
    return found


def imports(module: str) -> Set[str]:
    """Ours among what a module imports as it is imported: not inside functions, not for type checkers only."""
    return {found for node in _executed(ast.parse(MODULES[module].read_text()).body) for found in _ours(node)} - {module}


def _executed(body: List[ast.stmt]) -> Iterator[ast.stmt]:
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        checkers = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for field in ("body", "handlers", "orelse", "finalbody"):
            if not (checkers and field == "body"):
                yield from _executed(getattr(node, field, []))
        yield node


def _ours(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.Import):
        named = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom):
        assert node.level == 0, "imports are written out, from hpcgen on"
        inside = [f"{node.module}.{alias.name}" for alias in node.names]
        named = [full if full.partition("hpcgen.")[2] in MODULES else str(node.module) for full in inside]
    else:
        return
    yield from (full.partition("hpcgen.")[2] for full in named if full.startswith("hpcgen."))


def test_readme_shows_the_whole_house() -> None:
    house = (TOP / "README.md").read_text().partition("## The house")[2]
    shown = set(re.findall(r"[\w.]+", house))
    assert shown >= {module.partition(".")[0] for module in MODULES}
    assert shown >= {path.name for path in (TOP / "templates").iterdir() if path.stem not in schedulers.names()}


@pytest.mark.parametrize("module", MODULES)
def test_imports_lead_downwards(module: str) -> None:
    assert [other for other in imports(module) if layer(other) > layer(module)] == []


def test_what_runs_inside_jobs_stands_alone() -> None:
    """Scripts carry its text to where there is no hpcgen: also within functions it imports nothing else of ours."""
    for module in MODULES:
        known = {other for node in ast.walk(ast.parse(MODULES[module].read_text())) for other in _ours(node)}  # type: ignore[arg-type]
        inside = {other for other in known if other.partition(".")[0] in ("dask", "ray")}
        assert inside == (known if module.partition(".")[0] in ("dask", "ray") else set()), module


@pytest.mark.parametrize("folder", ["schedulers", "workloads"])
def test_backends_do_not_know_each_other(folder: str) -> None:
    for module in MODULES:
        if module.startswith(f"{folder}."):
            assert not [other for other in imports(module) if other.startswith(f"{folder}.")], module
        else:
            known = [other for other in imports(module) if other.startswith(f"{folder}.")]
            assert not known, f"{module} names {known}: ask {folder}.get"


@pytest.mark.parametrize("folder", ["schedulers", "workloads"])
def test_a_backend_has_nothing_that_nobody_asks_for(folder: str) -> None:
    """Its record takes from a module what it knows by name: a misspelt SILENT would be lost without a word."""
    record = importlib.import_module(f"hpcgen.{folder}").get("local" if folder == "schedulers" else "mpi")
    asked = {spelled for field in record._fields for spelled in (field, field.upper())}
    for module in MODULES:
        if module.startswith(f"{folder}."):
            tree = ast.parse(MODULES[module].read_text())
            has = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
            has |= {name.id for node in tree.body if isinstance(node, (ast.Assign, ast.AnnAssign))
                    for name in ast.walk(node) if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)}  # fmt: skip
            used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
            assert has <= asked | used, module


def test_no_cycles() -> None:
    graph: Dict[str, Set[str]] = {module: imports(module) for module in MODULES}
    while graph:
        free = [module for module, needs in graph.items() if not needs & set(graph)]
        assert free, f"a cycle among {sorted(graph)}"
        for module in free:
            del graph[module]


@pytest.mark.parametrize("module", MODULES)
def test_modules_are_short(module: str) -> None:
    assert len(MODULES[module].read_text().splitlines()) <= LONGEST


@pytest.mark.parametrize("path", sorted(p for p in (TOP / "templates").rglob("*.*") if p.is_file()), ids=lambda p: p.name)
def test_templates_end_well(path: Path) -> None:
    """A blank behind a statement, or no newline at the end, gives a misleading error or glues lines."""
    text = path.read_text()
    assert text.endswith("\n")
    assert [line for line in text.splitlines() if line != line.rstrip()] == []


def loaded(code: str, *args: str, **env: str) -> Set[str]:
    """The modules that a new Python has loaded at the end of this code."""
    report = "import atexit, sys; atexit.register(lambda: print('\\n' + ' '.join(sys.modules), file=sys.stderr)); "
    command = [sys.executable, "-c", report + code, *args]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **env})
    assert done.returncode == 0, done.stderr
    return set(done.stderr.splitlines()[-1].split())


def ran(*args: str, **env: str) -> Set[str]:
    return loaded("from hpcgen.cli import main; main()", *args, **env)


def completed(line: str) -> Set[str]:
    words = len(line.split(" ")) - 1
    return ran(_HPCGEN_COMPLETE="complete_bash", COMP_WORDS=line, COMP_CWORD=str(words))


def ours(modules: Set[str]) -> Set[str]:
    return {module.partition("hpcgen.")[2] for module in modules if module.startswith("hpcgen.")}


def test_importing_the_package_loads_nothing() -> None:
    found = loaded("import hpcgen")
    assert not ours(found) and not found & {"typer", "msgspec", *HEAVY}


def test_importing_the_command_line_loads_typer_only() -> None:
    found = loaded("import hpcgen.cli")
    assert ours(found) == {"cli"} and not found & {"msgspec", *HEAVY}


@pytest.mark.parametrize("line", ["hpcgen s", "hpcgen slurm --site ma", "hpcgen slurm --site mahuika --partition m"])
def test_completion_neither_plans_nor_renders(line: str) -> None:
    found = completed(line)
    assert not found & HEAVY and not ours(found) & {"planning", "rendering", "explaining", "submit"}


def test_completing_a_site_reads_no_profile() -> None:
    found = completed("hpcgen slurm --site ma")
    assert "tomllib" not in found and not ours(found) & {"profile", "config"}


@pytest.mark.parametrize("args", [["--version"], ["--help"], ["slurm", "--help"], ["sites"], ["sites", "show", "mahuika"]])
def test_what_prints_no_script_loads_no_templates(args: List[str]) -> None:
    assert not ran(*args) & HEAVY


@pytest.mark.parametrize("args", [["slurm", "--site", "mahuika", "--hetjob"], ["explain", "--site", "local"], ["local"]])
def test_a_script_into_a_pipe_loads_jinja_alone(args: List[str]) -> None:
    assert ran(*args) & HEAVY == {"jinja2"}
