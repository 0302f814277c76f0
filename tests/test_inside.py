"""The text that scripts carry is the modules as they are written, runs as one program, and holds no scheduler's directive."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path
from typing import Dict, List, Set, Tuple

import pytest

from hpcgen import __version__
from hpcgen.base.kinds import LONGEST
from hpcgen.script import embed
from hpcgen.workloads.dask_mpi import PARTS

TOP = Path(embed.__file__).parent.parent
PROGRAMS: Dict[str, Tuple[str, ...]] = {
    **{runner: ("dask", "program", *parts) for runner, parts in PARTS.items()},
    "ray": ("ray", "node", "cluster"),
    "ray symmetric": ("ray", "node", "cluster", "symmetric"),
}
MOST = 24 * 1024
# Grid Engine's and Flux's own marks too; what begins with none of them is no directive of anybody's.
DIRECTIVE = re.compile(r"#(SBATCH|PBS|BSUB|\$|PJM|QSUB|\s*flux:|COBALT|OAR|@)", re.IGNORECASE)
programs = pytest.mark.parametrize("program", PROGRAMS)


def text(program: str) -> str:
    package, *parts = PROGRAMS[program]
    return embed.carried(package, tuple(parts))


def modules(program: str) -> List[str]:
    package, *parts = PROGRAMS[program]
    return [(TOP / package / f"{part}.py").read_text() for part in parts]


def is_import(node: ast.stmt) -> bool:
    return isinstance(node, (ast.Import, ast.ImportFrom))


def is_own(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and str(node.module).startswith("hpcgen.")


@programs
def test_carried_text_is_the_modules_as_they_are_written(program: str) -> None:
    """Every line of every module, comments too, but for the imports of its own package; and the call that starts them."""
    lines = text(program).splitlines()
    assert __version__ in lines[0] and lines[-1] == "main(begin)"
    for source in modules(program):
        own: Set[int] = set()
        for node in filter(is_own, ast.parse(source).body):
            own |= set(range(node.lineno, (node.end_lineno or 0) + 1))
        kept = [line for number, line in enumerate(source.splitlines(), 1) if number not in own and line.strip()]
        start = lines.index(kept[0])
        assert [line for line in lines[start:] if line.strip()][: len(kept)] == kept


@programs
def test_carried_text_is_one_program(program: str) -> None:
    """Compiled as a whole, it is the code of the modules one after the other."""
    *body, last = ast.parse(text(program)).body
    assert ast.unparse(last) == "main(begin)"
    own = [node for source in modules(program) for node in ast.parse(source).body if not is_own(node)]
    assert list(map(ast.dump, body)) == list(map(ast.dump, own))


@programs
def test_names_of_one_module_are_not_anothers(program: str) -> None:
    """In one program all of them share one namespace, with what they import."""
    names: List[str] = []
    imported: Set[str] = set()
    for source in modules(program):
        for node in ast.parse(source).body:
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                names.append(node.name)
            elif isinstance(node, (ast.Assign, ast.AnnAssign)):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                names += [name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)]
            elif isinstance(node, (ast.Import, ast.ImportFrom)) and not is_own(node):
                imported |= {alias.asname or alias.name for alias in node.names}
            else:
                assert is_import(node) or isinstance(node, ast.Expr), ast.unparse(node)
    again = {name for name in names if names.count(name) > 1}
    assert again <= {"begin"} and not imported & set(names)  # the last module's is the one that starts
    assert names.count("main") == 1 and "begin" in names


@programs
def test_carried_text_is_plain(program: str) -> None:
    """It stands in a quoted here-document, which sbatch and its like read too; and old Pythons must read it."""
    found = text(program)
    ast.parse(found, feature_version=(3, 9))
    assert len(found.encode()) < min(MOST, LONGEST)
    assert found.isascii() and all(c == "\n" or c.isprintable() for c in found)
    assert not found.startswith("\n") and not found.endswith("\n")  # $(…) would drop the one, and sbatch the other
    for line in found.splitlines():
        assert line.strip() != "PYTHON" and not DIRECTIVE.match(line.strip())


@programs
def test_blank_lines_may_go(program: str) -> None:
    """sbatch drops the blank lines of heterogeneous jobs' scripts: no string may need one."""
    whole = text(program)
    fewer = "\n".join(line for line in whole.splitlines() if line.strip())

    def without_docstrings(source: str) -> str:
        tree = ast.parse(source)
        for node in ast.walk(tree):
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
                node.value.value = ""
        return ast.dump(tree)

    assert without_docstrings(fewer) == without_docstrings(whole)


@pytest.mark.parametrize("module", sorted(path.stem for path in (TOP / "dask").glob("[!_]*.py")))
def test_the_package_needs_no_other(module: str) -> None:
    code = f"import sys, hpcgen.dask.{module}; print(*(name for name in sys.modules if name.startswith('hpcgen')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert {name for name in done.stdout.split() if not name.startswith("hpcgen.dask")} == {"hpcgen"}
