"""Every command and example in the documents is run, and every generated part is up to date."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any, Iterator, List, Tuple, get_type_hints

import pytest

from hpcgen.cli import status
from hpcgen.profiles.charging import Rates
from hpcgen.profiles.facts import Node, Partition
from hpcgen.profiles.site import Site
from hpcgen.request.fields import Request

TOP = Path(__file__).parent.parent
PAGES = [
    TOP / "README.md", TOP / "CONTRIBUTING.md", TOP / "CHANGELOG.md", TOP / "tests" / "cluster" / "README.md",
    *sorted((TOP / "docs").rglob("*.md")),
]  # fmt: skip
ID = {"ids": lambda page: str(page.relative_to(TOP))}


def blocks(marker: str, language: str) -> Iterator[Tuple[str, str]]:
    """The code blocks that stand below this comment, on any page: what the marker's group matched, and the block."""
    for page in PAGES:
        yield from re.findall(rf"<!-- {marker} -->\n```{language}\n(.*?)```", page.read_text(), re.DOTALL)


def block(marker: str, language: str) -> str:
    (text,) = blocks(marker, language)
    return str(text)


def commands() -> List[str]:
    """The hpcgen commands that stand on lines of their own or in backticks, without what follows a pipe or a comment.

    A placeholder in capitals makes a line an example of a form; a command's bare name is only mentioned.
    """
    found = []
    for page in PAGES:
        text = page.read_text()
        for line in re.findall(r"^ {4}(hpcgen .*)$|`(hpcgen [^`]*)`", text, re.MULTILINE):
            command = re.split(r" \| | {2,}#", line[0] or line[1])[0].strip()
            form = re.search(r"(^|[\s\[])[A-Z]{4,}\b|…|<TAB>|, |--install-completion", command)
            mentioned = len(command.split()) < 3 and command not in ("hpcgen sites", "hpcgen local")
            if not form and not mentioned and command != "hpcgen sites show":
                found.append(command)
    return sorted(set(found))


@pytest.mark.parametrize("command", commands())
def test_command(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: Any) -> None:
    """`run` and `submit` are only planned here: tests of their own run and submit for real."""
    monkeypatch.chdir(tmp_path)
    Path("job.toml").write_text('program = "x.py"\naccount = "a"\nworkload = "dask-mpi"\n')
    (tmp_path / "sites").mkdir()
    (tmp_path / "sites" / "mymachine.toml").write_text((TOP / "sites" / "mahuika.toml").read_text())
    words = shlex.split(command)[1:]
    if words[0] in ("run", "submit"):
        words = ["explain", *(word for word in words[1:] if word != "--test-only")]
    assert status(words) == 0, capfdbinary.readouterr().err


def test_commands_were_found() -> None:
    assert len(commands()) > 8


def test_the_scripts_shown_are_the_scripts_made() -> None:
    shown = list(blocks(r"script: (\S+)", "bash"))
    assert shown
    for name, script in shown:
        made = (TOP / "tests" / "scripts" / f"{name}.sh").read_text()
        assert script == re.sub(r"(<<'PYTHON'\n).*?(\nPYTHON\n)", r"\1…\2", made, flags=re.DOTALL)


def test_python_example(capsys: Any) -> None:
    exec(compile(block("example", "python"), "docs/python.md", "exec"), {})
    printed = capsys.readouterr().out
    assert "#SBATCH hetjob" in printed and "allows at most 21-00:00:00" in printed


def test_request_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any) -> None:
    monkeypatch.chdir(tmp_path)
    Path("job.toml").write_text(block("request", "toml"))
    assert status(["script", "job.toml"]) == 0
    made = capfd.readouterr().out
    assert "--nodes=2\n" in made and "export NCCL_DEBUG=WARN\n" in made and "images.tar" in made
    assert made.rstrip().endswith("train.py --epochs 10")


def test_the_page_of_options_is_up_to_date() -> None:
    """docs/options.py writes it, and stops at an option that it does not know."""
    command = [sys.executable, str(TOP / "docs" / "options.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_picture_shows_what_the_command_prints() -> None:
    command = [sys.executable, str(TOP / "docs" / "terminal.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_every_option_is_on_its_page() -> None:
    listed = re.findall(r"^\| `--([a-z-]+)`", (TOP / "docs" / "options.md").read_text(), re.MULTILINE)
    options = {name.replace("_", "-") for name in Request.__struct_fields__} - {"program", "args"}
    assert sorted(listed) == sorted(options)


def test_readme_is_short() -> None:
    assert len((TOP / "README.md").read_text().split()) < 900


def test_contributing_names_the_files_of_an_option() -> None:
    """The same that test_options prints when an option is lost."""
    printed = (TOP / "tests" / "test_options.py").read_text().partition('FILES = """')[2].partition('"""')[0]
    section = (TOP / "CONTRIBUTING.md").read_text().partition("## An option")[2].partition("\n## ")[0]
    files = re.findall(r"^    ((?:src|templates)/\S+)", printed, re.MULTILINE)
    assert len(files) > 4 and [file for file in files if file not in section] == []


def profile_keys() -> Iterator[str]:
    """Every key that a profile may have, those of schedulers' dialects apart: their structs explain them."""
    own = ("id", "path", "dialect")
    named = {"nodes.X": Node, "partitions.X": Partition, "rates": Rates}
    tables = {name: kind for name, kind in get_type_hints(Site).items() if name not in own}
    for name, kind in {**tables, **named}.items():
        keys = [key for key in getattr(kind, "__struct_fields__", ()) if key not in ("source", "sources")]
        if name not in ("nodes", "partitions"):
            yield from (f"{name}.{key}" for key in keys) if keys else [name]


def test_contributing_has_every_key_of_profiles() -> None:
    """A row's first cell names keys; those without a table's name are of the same table as the one before."""
    told = set()
    for cell in re.findall(r"^\| (`[^|]*`) \|", (TOP / "CONTRIBUTING.md").read_text(), re.MULTILINE):
        table = ""
        for key in re.findall(r"`([\w.]+)", cell):
            table = key.rpartition(".")[0] if "." in key else table
            told |= {key if "." in key or not table else f"{table}.{key}"}
    assert sorted(set(profile_keys()) - told) == []


def option(command: str, name: str) -> str:
    words = shlex.split(command)
    return words[words.index(name) + 1] if name in words else ""


@pytest.mark.parametrize("page", [page for page in PAGES if page.parent.name == "pages"], **ID)
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


@pytest.mark.parametrize("page", PAGES, **ID)
def test_links_lead_somewhere(page: Path) -> None:
    """To a file and, where they name one, to a heading of it."""
    for target, heading in re.findall(r"\]\(([^)#:]*)(?:#([^)]+))?\)", page.read_text()):
        there = page.parent / target if target else page
        assert there.exists(), target
        assert not heading or heading in headings(there), f"{target}#{heading}"


def headings(page: Path) -> List[str]:
    """The names of a page's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return [re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles]


@pytest.mark.parametrize("page", [page for page in (TOP / "docs").glob("*.md")], **ID)
def test_every_page_can_be_found(page: Path) -> None:
    """By a link from another page."""
    others = [other for other in PAGES if other != page]
    assert any((other.parent / target).resolve() == page.resolve() for other in others
               for target in re.findall(r"\]\(([^)#:]+)", other.read_text()))  # fmt: skip
