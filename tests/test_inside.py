"""The text that scripts carry is the code of the modules that it is made of, short, and no scheduler's directive."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path
from typing import List, Set

import pytest

from hpcgen.script import embed
from hpcgen.workloads.dask_mpi import PARTS

FOLDER = Path(embed.__file__).parent.parent / "dask"
RUNNERS = {runner: ("program", *parts) for runner, parts in PARTS.items()}
LONGEST = 12_000
# Grid Engine's and Flux's own marks too; what begins with none of them is no directive of anybody's.
DIRECTIVE = re.compile(r"#(SBATCH|PBS|BSUB|\$|PJM|QSUB|\s*flux:|COBALT|OAR|@)", re.IGNORECASE)
runners = pytest.mark.parametrize("runner", RUNNERS)


def text(runner: str) -> str:
    return embed.carried("dask", RUNNERS[runner])


class Undocumented(ast.NodeTransformer):
    """Without docstrings, of which Python's own compiler leaves nothing at -OO."""

    def visit(self, node: ast.AST) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node, (ast.Module, ast.FunctionDef, ast.ClassDef)) and ast.get_docstring(node) is not None:
            node.body = node.body[1:]
            assert node.body or isinstance(node, ast.Module), "a function of nothing but a docstring"
        return node


def parsed(source: str) -> List[ast.stmt]:
    tree = Undocumented().visit(ast.parse(source))
    assert isinstance(tree, ast.Module)
    return tree.body


def is_import(node: ast.stmt) -> bool:
    return isinstance(node, (ast.Import, ast.ImportFrom))


def imported(body: List[ast.stmt]) -> Set[str]:
    """What a module imports at its top, each as its dump: names and what they are called."""
    found = set()
    for node in body:
        if isinstance(node, ast.Import):
            found |= {f"{alias.name} as {alias.asname}" for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not str(node.module).startswith("hpcgen."):
            found |= {f"{node.module}: {alias.name} as {alias.asname}" for alias in node.names}
    return found


def modules(runner: str) -> List[List[ast.stmt]]:
    return [parsed((FOLDER / f"{part}.py").read_text()) for part in RUNNERS[runner]]


@runners
def test_carried_text_is_the_modules_code(runner: str) -> None:
    *body, last = parsed(text(runner))
    assert ast.unparse(last) == "main(begin)"
    own = [node for module in modules(runner) for node in module if not is_import(node)]
    assert list(map(ast.dump, [node for node in body if not is_import(node)])) == list(map(ast.dump, own))
    assert imported(body) == set().union(*map(imported, modules(runner)))


@runners
def test_names_of_one_module_are_not_anothers(runner: str) -> None:
    """In one program there is one room for all of them, and for what they import."""
    names: List[str] = []
    for module in modules(runner):
        for node in module:
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                names.append(node.name)
            elif isinstance(node, ast.Assign):
                names += [name.id for target in node.targets for name in ast.walk(target) if isinstance(name, ast.Name)]
            else:
                assert is_import(node), ast.unparse(node)
    known = {name.rpartition(" as ")[0].rpartition(": ")[2] for name in imported(parsed(text(runner)))}
    assert len(names) == len(set(names)) and not known & set(names)
    assert names.count("main") == names.count("begin") == 1


@runners
def test_carried_text_is_short(runner: str) -> None:
    assert len(text(runner).encode()) < LONGEST


@runners
def test_carried_text_is_plain(runner: str) -> None:
    """It stands in a quoted here-document, which sbatch and its like read too; and old Pythons must read it."""
    found = text(runner)
    ast.parse(found, feature_version=(3, 9))
    assert found.isascii() and all(c == "\n" or c.isprintable() for c in found)
    assert not found.startswith("\n") and not found.endswith("\n")  # $(…) would drop the one, and sbatch the other
    for line in found.splitlines():
        assert line.strip() and line.strip() != "PYTHON" and not DIRECTIVE.match(line) and not line.lstrip().startswith("#")


def test_strings_of_the_modules_are_not_shortened() -> None:
    """What looks like a comment or a docstring within a string would go too: the modules have none such."""
    for path in FOLDER.glob("*.py"):
        for node in ast.walk(Undocumented().visit(ast.parse(path.read_text()))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                assert "  # " not in node.value and '"""' not in node.value and "\n" not in node.value.strip("\n"), path


@pytest.mark.parametrize("module", sorted(path.stem for path in FOLDER.glob("[!_]*.py")))
def test_the_package_needs_no_other(module: str) -> None:
    code = f"import sys, hpcgen.dask.{module}; print(*(name for name in sys.modules if name.startswith('hpcgen')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert {name for name in done.stdout.split() if not name.startswith("hpcgen.dask")} == {"hpcgen"}


def test_imports_that_stand_alone_have_one_line() -> None:
    """The text is put together line by line: an import in brackets would be torn."""
    for path in FOLDER.glob("*.py"):
        for node in parsed(path.read_text()):
            assert not is_import(node) or node.lineno == node.end_lineno, f"{path.name}: line {node.lineno}"
