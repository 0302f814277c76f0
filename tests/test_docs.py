"""Every command and example of the documents is run."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any, List

import pytest

from hpcgen.cli import status

TOP = Path(__file__).parent.parent
README = (TOP / "README.md").read_text()
PAGES = [TOP / "README.md", TOP / "CONTRIBUTING.md", *sorted((TOP / "docs").rglob("*.md"))]


def commands() -> List[str]:
    """The hpcgen commands that stand on lines of their own or in backticks, without what follows a pipe or a comment."""
    found = []
    for page in PAGES:
        text = page.read_text()
        for line in re.findall(r"^ {4}(hpcgen .*)$|`(hpcgen [^`]*)`", text, re.MULTILINE):
            command = re.split(r" \| | {2,}#", line[0] or line[1])[0].strip()
            if not re.search(r"(^|[\s\[])[A-Z]{4,}\b|…|<TAB>|, |--install-completion", command) and len(command.split()) > 1 and command != "hpcgen x":
                found.append(command)
    return sorted(set(found))


@pytest.mark.parametrize("command", commands())
def test_command(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: Any) -> None:
    """`run` and `submit` are only planned here: tests of their own run and submit for real."""
    monkeypatch.chdir(tmp_path)
    Path("job.toml").write_text('program = "x.py"\naccount = "a"\n')
    (tmp_path / "sites").mkdir()
    (tmp_path / "sites" / "mymachine.toml").write_text((TOP / "sites" / "mahuika.toml").read_text())
    words = shlex.split(command)[1:]
    if words[0] in ("run", "submit"):
        words[0] = "explain"
    assert status(words) == 0, capfdbinary.readouterr().err


def test_commands_were_found() -> None:
    assert len(commands()) > 8


def test_the_script_shown_is_the_script_made() -> None:
    shown = re.search(r"<!-- script: (\S+) -->\n```bash\n(.*?)```", README, re.DOTALL)
    assert shown
    made = (TOP / "tests" / "scripts" / f"{shown.group(1)}.sh").read_text()
    assert shown.group(2) == re.sub(r"(<<'PYTHON'\n).*?(\nPYTHON\n)", r"\1…\2", made, flags=re.DOTALL)


def test_python_example(capsys: Any) -> None:
    example = re.search(r"<!-- example -->\n```python\n(.*?)```", README, re.DOTALL)
    assert example
    exec(compile(example.group(1), "README.md", "exec"), {})
    printed = capsys.readouterr().out
    assert "#SBATCH hetjob" in printed and "allows 21-00:00:00" in printed


def test_request_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any) -> None:
    example = re.search(r"<!-- request -->\n```toml\n(.*?)```", README, re.DOTALL)
    assert example
    monkeypatch.chdir(tmp_path)
    Path("job.toml").write_text(example.group(1))
    assert status(["script", "job.toml"]) == 0
    made = capfd.readouterr().out
    assert "--nodes=2\n" in made and "export NCCL_DEBUG=WARN\n" in made and "images.tar" in made
    assert made.rstrip().endswith("train.py --epochs 10")


def option(command: str, name: str) -> str:
    words = shlex.split(command)
    return words[words.index(name) + 1] if name in words else ""


@pytest.mark.parametrize("page", [page for page in PAGES if page.parent.name == "pages"], ids=lambda page: page.name)
def test_an_image_is_made_for_the_site_of_its_jobs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a page shows both: made, built by the command that the definition itself names, and run at one site."""
    monkeypatch.chdir(tmp_path)
    lines = [line.strip() for line in page.read_text().splitlines() if line.startswith("    ")]
    made = [line for line in lines if line.startswith("hpcgen container ")]
    jobs = [line for line in lines if re.match("hpcgen (slurm|submit|script) ", line) and "--image" in line]
    if not made:
        return
    images = {option(line, "--image"): option(line, "--site") for line in made}
    assert jobs and {option(line, "--image"): option(line, "--site") for line in jobs} == images
    for line in made:
        assert status(shlex.split(line)[1:]) == 0
        build = re.findall(r"^#     (\w+ build .*)", Path(option(line, "-w")).read_text(), re.MULTILINE)
        assert lines[lines.index(line) + 1 : lines.index(line) + 2] == build


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
        assert (page.parent / target).exists(), target
