"""The parser of Grid Engine's directives (tests/grammar) beside the real qsub: each of its cases is put to `qsub -w v`.

What qsub takes although the parser refuses it is said in the case, `# qsub takes it`: it would be ignored,
or mean something else.
"""
from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from . import bed, examples, needs

CASES = Path(__file__).parents[1] / "grammar" / "sge"
# The resources of the cases that are a site's own.
COMPLEXES = """\
gpu gpu INT <= YES YES 0 0
mem mem MEMORY <= YES YES 0 0
exclusive excl BOOL EXCL YES YES 0 1000
"""


@pytest.fixture(scope="module")
def grid():
    needs.or_skip()
    up = bed.Miniature(dataclasses.replace(examples.GRID, name="grammar")).up()
    try:
        file = up.folder / "run" / "complexes"
        file.write_text(up.run(["qconf", "-sc"]).stdout + COMPLEXES)
        up.run(["qconf", "-Mc", str(file)], user="root")
        up.run(["qconf", "-mattr", "exechost", "complex_values", "gpu=4,mem=64G,exclusive=true", "node001"], user="root")
        yield up
    finally:
        up.down()


@pytest.mark.parametrize("script", sorted(CASES.glob("*/*.sh")), ids=lambda script: f"{script.parent.name}/{script.stem}")
def test_as_qsub(grid, script):
    folder = grid.workdir("grammar", script)
    said = grid.run(["qsub", "-w", "v", script.name], cwd=str(folder), check=False)
    text = script.read_bytes().decode()
    takes = "# qsub takes it" in text or (script.parent.name == "valid" and "# qsub refuses" not in text)
    assert (said.returncode == 0) == takes, said.stdout + said.stderr
