"""The house in docs/design.md: who may import whom, and what a command loads: sets of modules, never wall-clock time."""

from __future__ import annotations

import ast
import importlib
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Dict, Iterator, List, Set

import pytest

from hpcgen import schedulers
from hpcgen.launch import mpis

TOP = Path(__file__).parent.parent
SOURCE = TOP / "src" / "hpcgen"
# Lowest first: a room's modules import from lower rooms and from their own. What runs inside jobs stands alone.
ROOMS = (
    "dask", "ray", "base", "model", "request", "schedulers", "launch", "profiles", "inputs", "workloads", "planning", "script",
    "cost", "install", "jobqueue", "cli",
)  # fmt: skip
LONGEST_MODULE = 320
LONGEST_FUNCTION = 40
# What only some commands need, and none of them at once.
HEAVY = {"jinja2", "rich", "dask", "dask_jobqueue", "distributed", "mpi4py", "numpy", "pydantic", "yaml"}


def name(path: Path) -> str:
    """``schedulers.slurm`` for its file; a package's name for its ``__init__``."""
    return ".".join(path.relative_to(SOURCE).with_suffix("").parts).replace(".__init__", "")


MODULES = {name(path): path for path in sorted(SOURCE.rglob("*.py")) if path.parent != SOURCE or path.stem[0] != "_"}


def room(module: str) -> str:
    return module.partition(".")[0]


def imports(module: str) -> Set[str]:
    """Ours among what a module imports as it is imported: not inside functions, not for type checkers only."""
    return {found for node in _executed(ast.parse(MODULES[module].read_text()).body) for found in _ours(node)} - {module}


def all_imports(module: str) -> Set[str]:
    """Ours among all that a module imports, wherever in it."""
    return {found for node in ast.walk(ast.parse(MODULES[module].read_text())) for found in _ours(node)} - {module}


def _executed(body: List[ast.stmt]) -> Iterator[ast.stmt]:
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        checkers = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for field in ("body", "handlers", "orelse", "finalbody"):
            if not (checkers and field == "body"):
                yield from _executed(getattr(node, field, []))
        yield node


def _ours(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        named = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom):
        assert node.level == 0, "imports are written out, from hpcgen on"
        inside = [f"{node.module}.{alias.name}" for alias in node.names]
        named = [full if full.partition("hpcgen.")[2] in MODULES else str(node.module) for full in inside]
    else:
        return
    yield from (full.partition("hpcgen.")[2] for full in named if full.startswith("hpcgen."))


def test_every_folder_is_a_room() -> None:
    assert {path.name for path in SOURCE.iterdir() if path.is_dir() and path.name[0] != "_"} == set(ROOMS)
    assert {path.stem for path in SOURCE.glob("*.py")} == {"__init__", "__main__"}


def test_the_design_page_shows_the_whole_house() -> None:
    house = (TOP / "docs" / "design.md").read_text().partition("## The house")[2]
    shown = set(re.findall(r"[\w.]+", house))
    assert shown >= set(ROOMS)
    assert shown >= {module.rpartition(".")[2].strip("_") for module in MODULES if room(module) not in BACKENDS} - {"main"}
    assert shown >= {path.name for path in (TOP / "templates").iterdir() if path.stem not in schedulers.names()}


@pytest.mark.parametrize("module", MODULES)
def test_imports_lead_downwards(module: str) -> None:
    """Also those within functions, for they are arrows of the design as well."""
    order = {name: number for number, name in enumerate(ROOMS)}
    assert [other for other in all_imports(module) if order[room(other)] > order[room(module)]] == []


@pytest.mark.parametrize("module", MODULES)
def test_no_type_is_imported_behind_the_back_of_the_order(module: str) -> None:
    """Only the command line, which must start quickly, imports types for checkers alone."""
    assert room(module) == "cli" or "TYPE_CHECKING" not in MODULES[module].read_text()


def test_what_runs_inside_jobs_stands_alone() -> None:
    """Scripts carry its text to where there is no hpcgen: also within functions it imports nothing else of ours."""
    for module in MODULES:
        inside = {other for other in all_imports(module) if room(other) in ("dask", "ray")}
        assert inside == (all_imports(module) if room(module) in ("dask", "ray") else set()), module


# Rooms of backends: a module each, found by the folder's listing; what they share begins with an underscore.
BACKENDS = ("schedulers", "workloads")


@pytest.mark.parametrize("folder", BACKENDS)
def test_backends_do_not_know_each_other(folder: str) -> None:
    for module in MODULES:
        known = [other for other in all_imports(module) if other.startswith(f"{folder}.")]
        if room(module) == folder:
            assert all(other.startswith(f"{folder}._") for other in known), module
        else:
            assert not known, f"{module} names {known}: ask {folder}.get"


RUNNERS = {"mpi", "slurm", "local"}  # the values of --runner, of which two are schedulers' names, too


def names_compared(tree: ast.AST, names: Set[str]) -> List[int]:
    """The lines that compare something with one of these names, or look something up by them; --runner's values apart."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            parts: List[ast.AST] = [node.left, *node.comparators]
        elif isinstance(node, ast.Dict):
            parts = [key for key in node.keys if key]
        else:
            continue
        words = {one.value for part in parts for one in ast.walk(part) if isinstance(one, ast.Constant)}
        table = isinstance(node, ast.Dict)
        of_runner = words <= RUNNERS and (table or "runner" in ast.dump(node))
        found += [node.lineno] if len(words & names) > table and not of_runner else []
    return found


@pytest.mark.parametrize("module", MODULES)
def test_only_their_own_rooms_compare_schedulers_and_mpis(module: str) -> None:
    """Elsewhere the answer is a member of the scheduler's module, or of the MPI's record: one more costs one place."""
    tree = ast.parse(MODULES[module].read_text())
    if room(module) not in ("schedulers", "dask", "ray") and module != "jobqueue.native":  # whose keys are Dask's
        assert names_compared(tree, set(schedulers.names())) == []
    if room(module) not in ("launch", "dask", "ray"):
        assert names_compared(tree, set(mpis.FLAVOURS)) == []


def test_what_compares_names_is_found() -> None:
    for line in ('x.type == "slurm"', 'a in ("sge", "lsf")', '{"pbs": 1, "sge": 2}[kind]', 'site.scheduler.type == "local"'):
        assert names_compared(ast.parse(line), set(schedulers.names())) == [1], line
    for line in ('request.runner == "slurm"', '{"local": 1, "slurm": 2}.get(request.runner)', 'f("slurm")'):
        assert names_compared(ast.parse(line), set(schedulers.names())) == [], line


@pytest.mark.parametrize("folder", BACKENDS)
def test_a_backend_has_nothing_that_nobody_asks_for(folder: str) -> None:
    """Its record takes from a module what it knows by name: a misspelt SILENT would be lost without a word."""
    record = importlib.import_module(f"hpcgen.{folder}").get("local" if folder == "schedulers" else "mpi")
    asked = {spelled for field in record._fields for spelled in (field, field.upper())}
    for module in MODULES:
        if module.startswith(f"{folder}.") and not module.startswith(f"{folder}._"):
            tree = ast.parse(MODULES[module].read_text())
            has = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
            has |= {name.id for node in tree.body if isinstance(node, (ast.Assign, ast.AnnAssign))
                    for name in ast.walk(node) if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)}  # fmt: skip
            used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
            assert has <= asked | used, module


def test_no_cycles() -> None:
    """Not even by imports within functions."""
    graph: Dict[str, Set[str]] = {module: all_imports(module) for module in MODULES}
    while graph:
        free = [module for module, needs in graph.items() if not needs & set(graph)]
        assert free, f"a cycle among {sorted(graph)}"
        for module in free:
            del graph[module]


@pytest.mark.parametrize("module", MODULES)
def test_modules_and_functions_are_short(module: str) -> None:
    text = MODULES[module].read_text()
    assert len(text.splitlines()) <= LONGEST_MODULE
    long = {
        node.name: node.end_lineno - node.lineno + 1
        for node in ast.walk(ast.parse(text))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.end_lineno
    }
    assert {name: lines for name, lines in long.items() if lines > LONGEST_FUNCTION} == {}


def test_no_two_classes_have_one_name() -> None:
    found = Counter(
        node.name
        for module in MODULES
        for node in ast.walk(ast.parse(MODULES[module].read_text()))
        if isinstance(node, ast.ClassDef) and room(module) not in ("dask", "ray")
    )
    assert [name for name, times in found.items() if times > 1] == []


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
    assert not found & HEAVY and not ours(found) & {"planning.plan", "script.render", "script.explain", "script.submit"}


def test_completing_a_site_reads_no_profile() -> None:
    found = completed("hpcgen slurm --site ma")
    assert "tomllib" not in found and not ours(found) & {"profiles.validate", "inputs.gather"}


@pytest.mark.parametrize("args", [["--version"], ["--help"], ["slurm", "--help"], ["sites"], ["sites", "show", "mahuika"]])
def test_what_prints_no_script_loads_no_templates(args: List[str]) -> None:
    assert not ran(*args) & HEAVY


@pytest.mark.parametrize("args", [["slurm", "--site", "mahuika", "--hetjob"], ["explain", "--site", "local"], ["local"]])
def test_a_script_into_a_pipe_loads_jinja_alone(args: List[str]) -> None:
    assert ran(*args) & HEAVY == {"jinja2"}
