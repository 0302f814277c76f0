"""The command line as its users meet it."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, List, Tuple

import pytest

from hpcgen import Request, load, schedulers
from hpcgen.base.kinds import option
from hpcgen.cli import status
from hpcgen.inputs import config
from hpcgen.request.fields import GROUPS


@pytest.fixture
def call(capsysbinary: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run a command in an empty folder: exit status, stdout, stderr."""
    monkeypatch.chdir(tmp_path)

    def called(*args: str) -> Tuple[int, str, str]:
        try:
            code = status(list(args))
        except SystemExit as stopped:
            code = int(stopped.code or 0)
        out, err = capsysbinary.readouterr()
        return code, out.decode("utf-8", "surrogateescape"), err.decode()

    return called


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["slum"], ["unknown command 'slum'", "did you mean 'slurm'?"]),
        (["sites", "shw"], ["unknown command 'shw'", "did you mean 'show'?"]),
        (["sites", "x"], ["unknown command 'x'", "known: show, schema"]),
        (["slurm", "--site", "mahuka"], ["--site mahuka: unknown site", "did you mean 'mahuika'?"]),
        (["slurm"], ["--site", "hpcgen sites", "config.toml"]),
        (["slurm", "--site", "local"], ["runs local", "hpcgen local"]),
        (["slurm", "--site", "mahuika", "--hetjb"], ["unknown option '--hetjb'", "did you mean '--hetjob'?"]),
        (["slurm", "--site", "mahuika", "--nice", "5"], ["unknown option '--nice'", "--directive '--nice=VALUE'"]),
        (["slurm", "--site", "mahuika", "--ranks", "5"], ["unknown option '--ranks'", "did you mean '--ntasks'?"]),
        (["env", "--site", "mahuika", "--packages", "x"], ["unknown option '--packages'", "did you mean '--package'?"]),
        (["slurm", "--site", "mahuika", "--mem", "-3"], ["--mem", "'-3'", "3G"]),
        (
            ["slurm", "--site", "mahuika", "--mem", "0G"],
            ["--mem", "'0G' is not an amount of memory", "or 0 for all memory of a node"],
        ),
        (["slurm", "--site", "mahuika", "--mem-per-cpu", "1.5G"], ["--mem-per-cpu", "1536M"]),
        (["slurm", "--site", "mahuika", "--nodes", "0"], ["--nodes", "1 or more"]),
        (["slurm", "--site", "mahuika", "--nodes", "two"], ["--nodes", "a whole number", "'two'"]),
        (["slurm", "--site", "mahuika", "--file", "/"], ["/: Is a directory"]),
        (["slurm", "--site", "mahuika", "--file", sys.executable], ["can't decode"]),
        (["slurm", "--site", "mahuika", "-J", "a\nb"], ["--job-name", "one line"]),
        (["slurm", "--site", "mahuika", "-A", "a b"], ["--account", "one plain word"]),
        (["slurm", "--site", "mahuika", "--time", "soon"], ["--time", "1:30:00"]),
        (["slurm", "--site", "mahuika", "--time", "9" * 5000], ["--time", "1:30:00"]),
        (["slurm", "--site", "mahuika", "--gpus", "9" * 5000], ["--gpus", "not a number of GPUs"]),
        (["slurm", "--site", "mahuika", "--nodes", "9" * 5000], ["--nodes"]),
        (["slurm", "--site", "mahuika", "-n", "4", "--workload", "mpi", "--nodes", "9" * 26], ["--nodes", "at most 10000000"]),
        (["slurm", "--site", "mahuika", "--workers", "9" * 20], ["--workers", "at most 10000000"]),
        (["slurm", "--site", "mahuika", "--workload", ""], ["--workload", "''"]),
        (["slurm", "--site", "mahuika", "--stage", ""], ["--stage: ''"]),
        (["slurm", "--site", "mahuika", "--env", "A=1", "--env", "A=2"], ["--env", "A has two values", "'1'", "'2'"]),
        (["slurm", "--site", "mahuika", "--mem", "9" * 400 + "G"], ["--mem"]),
        (["slurm", "--site", "mahuika", "--array", "1-" + "9" * 5000], ["--array", "list of indices"]),
        (["slurm", "--site", "mahuika", "--env", "A"], ["--env", "NAME=VALUE"]),
        (["slurm", "--site", "mahuika", "--env", "A;x=1"], ["--env", "name of an environment variable"]),
        (["slurm", "--site", "mahuika", "--hint", "nomultithred"], ["did you mean 'nomultithread'?"]),
        (["slurm", "--site", "mahuika", "--mem", "1G", "--mem-per-cpu", "1G"], ["exclude each other"]),
        (["slurm", "--site", "mahuika", "--file", "none.toml"], ["none.toml", "No such file"]),
        (["slurm", "--site", "mahuika", "-w", "none/x.sh"], ["none/x.sh", "No such file"]),
        (["slurm", "--site", "mahuika", "-w", "."], ["is a folder"]),
        (["slurm", "--site", "mahuika", "-A", "a", "-w", "x" * 300], ["--write: xxx", "File name too long"]),
        (["slurm", "--site", "mahuika", "-A", "a", "-w", "--json", "./p"], ["--write --json: this is an option"]),
        (["script"], ["FILE"]),
        (["local", "--hetjob"], ["--hetjob", "leave out --hetjob"]),
        (["submit", "--site", "local", "x.py"], ["no scheduler to submit to", "hpcgen run"]),
        (["sites", "show", "mahuka"], ["did you mean 'mahuika'?"]),
    ],
)
def test_bad_input_is_one_clear_line(call: Any, args: List[str], words: List[str], tmp_path: Path) -> None:
    code, out, err = call(*args)
    last = err.splitlines()[-1]
    assert (code, out) == (2, "") and all(word in last for word in words), err
    assert "Traceback" not in err and not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "words", [("pbs", "--site", "gadi", "--nice"), ("slurm", "--verbose"), ("env", "--ranks"), ("slurm", "-l")]
)
def test_no_option_is_named_that_is_another_thing(call: Any, words: Any) -> None:
    assert call(*words) == (2, "", f"hpcgen: error: unknown option '{words[-1]}'\n")


def test_an_empty_program_is_refused_at_once(call: Any) -> None:
    for command in ("script", "slurm", "cost"):
        code, out, err = call(command, "--site", "mahuika", "")
        assert (code, out, err) == (2, "", "hpcgen: error: program: its name is empty: name a file\n"), err


def test_a_loop_of_links_is_not_replaced(call: Any, tmp_path: Path) -> None:
    Path(tmp_path, "loop").symlink_to("loop")
    code, out, err = call("local", "-w", "loop", "./p")
    assert (code, out) == (2, "") and "--write: loop: Too many levels of symbolic links" in err, err
    assert Path(tmp_path, "loop").is_symlink()


def test_faults_of_a_file_come_all_at_once(call: Any, tmp_path: Path) -> None:
    Path(tmp_path, "job.toml").write_text('worker = 3\nmem = "x"\nnodes = "2"\n')
    code, _out, err = call("script", "--site", "mahuika", "job.toml")
    assert code == 2 and len(err.splitlines()) == 3
    assert "job.toml: unknown key 'worker' – did you mean 'workers'?" in err


def test_a_program_that_is_here_and_not_on_the_path(call: Any, tmp_path: Path) -> None:
    Path(tmp_path, "simulate").touch()
    for program, said in (("simulate", True), ("./simulate", False), ("other", False)):
        err = call("slurm", "--site", "mahuika", "--workload", "mpi", program)[2]
        assert ("write ./simulate" in err) == said
    assert "write ./" not in call("slurm", "--site", "mahuika", "--workers", "2", "simulate")[2], "Dask's programs are Python's"


def test_a_file_that_is_not_here(call: Any, tmp_path: Path) -> None:
    words = ["--stage", "data", "--image", "i.sif", "--workload", "serial", "a"]
    for name in ("data", "i.sif"):
        note = f"note: {name} does not exist here; it must exist where the job runs"
        assert note in call("slurm", "--site", "mahuika", *words)[2]
        Path(tmp_path, name).touch()
        assert f"note: {name} does not exist here" not in call("slurm", "--site", "mahuika", *words)[2]
    words[1:4:2] = ["$SCRATCH/data", "docker://python"]
    assert "does not exist here" not in call("slurm", "--site", "mahuika", *words)[2]


@pytest.mark.parametrize(
    ("template", "words"),
    [
        (b"a\n{{ job.nme }}\n", "templates/workloads/serial.sh: line 2: "),
        (b"a\n#% if\n", "templates/workloads/serial.sh: line 2: "),
        (b"{{ job.qos }}\n", "a value is missing"),
        (b"\xff\n", "can't decode"),
    ],
)
def test_faults_of_templates_are_placed(
    call: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, template: bytes, words: str
) -> None:
    Path(tmp_path, "templates", "workloads").mkdir(parents=True)
    Path(tmp_path, "templates", "workloads", "serial.sh").write_bytes(template)
    monkeypatch.setenv("HPCGEN_PATH", str(tmp_path))
    code, out, err = call("slurm", "--site", "mahuika", "--workload", "serial", "x.py")
    assert (code, out) == (2, "") and words in err.splitlines()[-1]


def test_a_room_with_a_profile_that_is_gone(call: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path(tmp_path, "sites").mkdir()
    Path(tmp_path, "sites", "gone.toml").symlink_to("/nonexistent")
    monkeypatch.setenv("HPCGEN_PATH", str(tmp_path))
    assert call("slurm", "--site", "m3", "-A", "x", "x.py")[0] == 0


def test_a_number_in_a_file_is_a_word_too(call: Any, tmp_path: Path) -> None:
    Path(tmp_path, "job.toml").write_text('workload = "serial"\ngpus = 2\narray = 3\n')
    assert "--gpus-per-node=2\n" in call("script", "--site", "mahuika", "job.toml")[1]
    Path(tmp_path, "job.toml").write_text("gpus = true\narray = -3\n")
    assert len(call("script", "--site", "mahuika", "job.toml")[2].splitlines()) == 2


def test_flags_win_over_the_file(call: Any, tmp_path: Path) -> None:
    Path(tmp_path, "job.toml").write_text('site = "mahuika"\nprogram = "x.py"\ntime = 30\nmem_per_cpu = "2G"\n')
    code, out, err = call("script", "job.toml", "--time", "2h")
    assert code == 0 and "--time=02:00:00" in out and "--mem-per-cpu=2G" in out
    assert "x.py does not exist here" in err


def test_another_program_has_arguments_of_its_own(call: Any, tmp_path: Path) -> None:
    """Those of the file stay where the file leaves the program to the command line."""
    for text, line in (('program = "a.py"\nargs = ["1"]\n', "python y.py"), ('args = ["1"]\n', "python y.py 1")):
        Path(tmp_path, "job.toml").write_text(text)
        assert call("slurm", "--site", "mahuika", "--workload", "serial", "-f", "job.toml", "y.py")[1].endswith(f"\n{line}\n")


def test_configuration(call: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    own_machine = tmp_path / "laptop.toml"
    own_machine.write_text(Path(load("local").path).read_text())
    folder = Path(os.environ["XDG_CONFIG_HOME"], "hpcgen")
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "config.toml"
    try:
        config.write_text('site = "mahuika"\nmail_user = "me@example.org"\n[sites.kestrel]\naccount = "mine"\n')
        assert "--mail-user=me@example.org" in call("slurm")[1]
        assert "--account=mine" in call("slurm", "--site", "kestrel")[1]
        assert "site local" in call("local", "x.py")[1] and call("run", "--workload", "serial", "true")[0] == 0
        config.write_text(f'site = "{own_machine}"\n[sites.kestrel]\naccount = "mine"\n')
        assert "site laptop" in call("local", "x.py")[1]
        assert "--account=other" in call("slurm", "--site", "kestrel", "-A", "other")[1]
        config.write_text('[sites.kestrel]\naccount = "mine"\ninterface = "hsn1"\nchunk = 2\nuserbase = "~/u"\n')
        code, out, err = call("slurm", "--site", "kestrel", "--workload", "serial", "--venv", "v", "a")
        assert (
            code == 0
            and "sites.kestrel: interface: ignored, because --workload serial does not use it" in err
            and "chunk: ignored" in err
        )
        assert "PYTHONUSERBASE" not in out and "--venv v a\n" in out.splitlines(keepends=True)[2] and "--chunk" not in out
        assert "hsn1" in call("slurm", "--site", "kestrel", "--workers", "2", "x.py")[1]
        assert call("slurm", "--site", "kestrel", "--workload", "serial", "--interface", "hsn1", "a")[0] == 2
        assert call("env", "--site", "kestrel", "--conda", "e")[1].startswith("# hpcgen")
        config.write_text("acount = 'x'\n")
        code, _, err = call("slurm", "--site", "mahuika")
        assert code == 2 and "did you mean 'account'?" in err and str(config) in err
        config.write_text('[sites.mahuikaa]\naccount = "mine"\n[sites.mahuika-cs400]\naccount = "old"\n')
        assert call("slurm", "--site", "mahuika")[::2] == (
            2,
            f"hpcgen: error: {config}: sites.mahuikaa: unknown site – did you mean 'mahuika'?\n",
        )
        assert call("slurm", "--site", "kestrel", "-A", "x")[0] == 0
        config.write_text("[sites]\nmahuika = 3\n")
        assert "[sites.NAME]" in call("slurm", "--site", "mahuika")[2]
        config.write_text("rooms = [3]\n")
        assert call("sites")[0] == 2
    finally:
        config.unlink()
    monkeypatch.setenv("SBATCH_ACCOUNT", "fromenv")
    assert "--account=fromenv" in call("slurm", "--site", "kestrel")[1]


def test_the_persons_configuration_wins_over_the_machines(
    call: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Site, keys and rooms. If two profiles have one name, yours wins. The test has its own /etc."""
    from hpcgen.base import paths
    from hpcgen.profiles.load import load

    text, room = Path(load("mahuika").path).read_text(), {}
    for who in ("etc", "home"):
        folder = tmp_path / who / "hpcgen"
        room[who] = folder / "room"
        for name, place in (("both", folder), ("same", room[who])):
            (place / "sites").mkdir(parents=True)
            (place / "sites" / f"{name}.toml").write_text(text.replace('name = "', f'name = "{who}s ', 1))
    (tmp_path / "etc/hpcgen/config.toml").write_text(
        f'site = "kestrel"\naccount = "etc"\nqos = "high"\nrooms = ["{room["etc"]}"]\n'
    )
    (tmp_path / "home/hpcgen/config.toml").write_text(f'site = "mahuika"\naccount = "home"\nrooms = ["{room["home"]}"]\n')
    monkeypatch.setattr(paths, "system", lambda: tmp_path / "etc/hpcgen")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HPCGEN_PATH", "")
    out = call("slurm")[1]
    assert "site mahuika" in out and "--account=home" in out and "--qos=high" in out
    rooms = config.rooms(config.configs())
    assert rooms[:2] == (room["home"], room["etc"]) and "HPCGEN_PATH" in os.environ and not os.environ["HPCGEN_PATH"]
    assert [load(name, rooms).name[:5] for name in ("both", "same")] == ["homes", "homes"]


def test_what_is_in_the_file_wins_over_the_schedulers_variable(
    call: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path(tmp_path, "job.toml").write_text('site = "kestrel"\naccount = "fromfile"\n')
    monkeypatch.setenv("SBATCH_ACCOUNT", "fromenv")
    assert "--account=fromfile" in call("script", "job.toml")[1]


def test_own_room_of_profiles(call: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from hpcgen.profiles.load import load

    text = Path(load("mahuika").path).read_text()
    Path(tmp_path, "sites").mkdir()
    Path(tmp_path, "sites", "mine.toml").write_text(text)
    monkeypatch.setenv("HPCGEN_PATH", str(tmp_path))
    assert call("slurm", "--site", "mine")[0] == 0
    assert "mine\t" in call("sites")[1]


def test_rooms_of_the_configuration_hold_for_every_command(
    call: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hpcgen.profiles.load import load

    Path(tmp_path, "room", "sites").mkdir(parents=True)
    Path(tmp_path, "room", "sites", "mine.toml").write_text(Path(load("mahuika").path).read_text())
    Path(tmp_path, "hpcgen").mkdir()
    Path(tmp_path, "hpcgen", "config.toml").write_text(f"rooms = ['{tmp_path}/room']\n")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    for args in (["slurm", "--site", "mine"], ["sites", "show", "mine"]):
        monkeypatch.setenv("HPCGEN_PATH", "/other")
        assert call(*args)[0] == 0
        assert os.environ["HPCGEN_PATH"] == "/other"
    found = config.rooms(config.configs())
    assert found[:2] == (Path("/other"), tmp_path / "room"), "what the variable names is stronger"
    monkeypatch.setenv("HPCGEN_PATH", "")
    assert "mine\t" in call("sites")[1]
    monkeypatch.setenv("HPCGEN_PATH", "")
    assert completions("hpcgen", "slurm", "--site", "mi") == ["mine"]


def test_retired_site_says_so(call: Any) -> None:
    code, _out, err = call("slurm", "--site", "eagle", "--account", "x")
    assert code == 0 and "eagle is retired" in err and "kestrel" in err


def test_write_is_whole_and_careful(call: Any, tmp_path: Path) -> None:
    assert call("slurm", "--site", "mahuika", "-w", "job.sh")[:2] == (0, "")
    first = Path(tmp_path, "job.sh").read_text()
    assert os.access(tmp_path / "job.sh", os.X_OK) and first == call("slurm", "--site", "mahuika")[1]
    assert call("slurm", "--site", "mahuika", "-w", "job.sh", "--time", "5")[0] == 0, "our own file may be made again"
    Path(tmp_path, "mine.sh").write_text("echo precious\n")
    code, _, err = call("slurm", "--site", "mahuika", "-w", "mine.sh")
    assert code == 2 and "--force" in err and Path(tmp_path, "mine.sh").read_text() == "echo precious\n"
    assert call("slurm", "--site", "mahuika", "-w", "mine.sh", "--force")[0] == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["job.sh", "mine.sh"]


def test_write_follows_a_link_and_takes_no_pipe(call: Any, tmp_path: Path) -> None:
    Path(tmp_path, "link.sh").symlink_to("job.sh")
    for _ in range(2):
        assert call("slurm", "--site", "mahuika", "-w", "link.sh")[0] == 0
    assert Path(tmp_path, "link.sh").is_symlink() and Path(tmp_path, "job.sh").is_file()
    os.mkfifo(tmp_path / "pipe")  # not a device of the machine's, which a fault here would take away
    for force in ([], ["--force"]):
        code, _, err = call("slurm", "--site", "mahuika", "-w", "pipe", *force)
        assert code == 2 and "not a regular file" in err
    assert len(list(tmp_path.iterdir())) == 3


def test_a_program_that_cannot_be_looked_for(call: Any) -> None:
    assert call("slurm", "--site", "mahuika", "x" * 300 + ".py")[0] == 0


def test_a_cache_that_cannot_be_used(call: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import jinja2

    from hpcgen.script import render

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    want = call("slurm", "--site", "mahuika", "x.py")[1]
    render._environment.cache_clear()
    assert call("slurm", "--site", "mahuika", "x.py")[1] == want
    for damage in ("cut", "full"):
        for file in Path(tmp_path, "hpcgen", "templates").iterdir():
            file.write_bytes(file.read_bytes()[:30])
        if damage == "full":
            monkeypatch.setattr(jinja2.FileSystemBytecodeCache, "dump_bytecode", full)
        render._environment.cache_clear()
        assert call("slurm", "--site", "mahuika", "x.py")[:2] == (0, want)


def test_the_header_makes_it_again(call: Any) -> None:
    args = [
        "slurm",
        "--site",
        "mahuika",
        "--hetjob",
        "--env",
        "A=b c",
        "--module",
        "X/1",
        "--time",
        "2h",
        "x.py",
        "a\n'b",
        "--time",
    ]
    out = call(*args)[1]
    again = next(line for line in out.splitlines() if line.startswith("# made by: "))[len("# made by: ") :]
    words = subprocess.run(["bash", "-c", f"printf '%s\\0' {again}"], capture_output=True, text=True).stdout.split("\0")[:-1]
    assert call(*words[1:])[1] == out


def test_submit(call: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real sbatch is met in tests/cluster; this stand-in shows what it is given."""
    tools = tmp_path / "tools"
    tools.mkdir()
    Path(tools, "sbatch").write_text('#!/bin/sh\nenv > "$SEEN"\necho "$@" >> "$SEEN"\necho "42;cluster"\n')
    Path(tools, "sbatch").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    monkeypatch.setenv("SEEN", str(tmp_path / "seen"))
    for name in ("SLURM_JOB_ID", "SBATCH_TIMELIMIT", "PBS_JOBID", "SLURM_CONF"):
        monkeypatch.setenv(name, "outer")
    code, out, err = call("submit", "--site", "mahuika", "-o", "logs/%j.out", "x.py")
    assert (code, out) == (0, "42\n") and "made the log folder logs" in err and Path(tmp_path, "logs").is_dir()
    seen = Path(tmp_path, "seen").read_text()
    assert "x.sh" in seen and "SLURM_CONF=outer" in seen
    assert not any(name in seen for name in ("SLURM_JOB_ID", "SBATCH_TIMELIMIT", "PBS_JOBID"))
    assert json.loads(call("submit", "--site", "mahuika", "--json", "x.py")[1])["job_id"] == "42"
    Path(tools, "sbatch").write_text("#!/bin/sh\necho 'sbatch: error: no' >&2\nexit 1\n")
    code, out, err = call("submit", "--site", "mahuika", "x.py")
    assert (code, out) == (1, "") and "sbatch: error: no" in err
    Path(tools, "sbatch").write_text("#!/bin/sh\necho 'sbatch: warning: well' >&2\necho 43\n")
    code, out, err = call("submit", "--site", "mahuika", "x.py")
    assert (code, out) == (0, "43\n") and "warning: well" in err
    Path(tools, "sbatch").write_text("#!/bin/sh\nprintf '\\377'>&2\n")
    assert call("submit", "--site", "mahuika", "x.py")[:2] == (1, "")


def test_submit_without_a_scheduler(call: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    code, _, err = call("submit", "--site", "mahuika", "x.py")
    assert code == 1 and "login node of mahuika" in err


@pytest.mark.parametrize("option", ["--venv", "--conda"])
def test_an_environment_that_is_not_there_ends_the_job(call: Any, tmp_path: Path, option: str) -> None:
    """Else the program would run with whatever Python comes first."""
    assert call("run", "--workload", "serial", option, "none", "touch", "ran")[0] == 1
    assert not (tmp_path / "ran").exists()
    assert call("run", "--workload", "serial", "touch", "ran")[0] == 0 and (tmp_path / "ran").exists()


def test_sites(call: Any) -> None:
    code, out, _ = call("sites")
    assert code == 0 and "mahuika\tslurm\t" in out and "\x1b" not in out
    assert {site["id"] for site in json.loads(call("sites", "--json")[1])} >= {"mahuika", "kestrel", "local"}
    shown = call("sites", "show", "mahuika")[1]
    assert "mpi.launcher\tsrun\tNeSI support: " in shown, "stated in the profile, although it is the default"
    assert "mpi.pmi_library\t/lib64/libpmi2.so\t" in shown
    assert json.loads(call("sites", "show", "m3", "--json")[1])["id"] == "m3-smu"
    assert json.loads(call("sites", "schema")[1])["$defs"]["Partition"]


def test_explain_gives_a_reason_for_every_line(call: Any) -> None:
    for more in ([], ["--image", "x.sif", "--env", "A=$x'y", "prog.py"], ["--directive", "--nice=3", "prog.py", "a\nb"]):
        args = ["--site", "mahuika", "--hetjob", "--time", "2h", *more]
        lines = json.loads(call("explain", "--json", *args)[1])
        assert "\n".join(line["text"] for line in lines) + "\n" == call("slurm", *args)[1]
        assert [line["text"] for line in lines if line["text"].strip() and not (line["origins"] or line["template"])] == []
    whys = {}
    plain = ["--site", "m3", "-A", "x", "--workload", "serial", "--env", "A=b", "--gpus", "v100:1", "--export", "NONE", "x.py"]
    for line in json.loads(call("explain", "--json", *plain)[1]):
        assert line["origins"] or line["template"] or not line["text"].strip(), line
        whys[line["text"]] = " ".join(why["text"] for why in line["origins"])
    assert whys["export A=b"] == "--env" and "CPU of a task" in whys["export OMP_NUM_THREADS=1"]
    assert whys["module load gcc/13.4.0"] == "m3-smu: modules.base" and whys["python x.py"].endswith("serial: no launcher")
    time = next(line for line in lines if "--time" in line["text"] and line["text"].startswith("#SBATCH"))
    assert time["origins"][0]["text"] == "--time"
    assert "fact mahuika: mpi.pmi" in call("explain", "--site", "mahuika", "--workers", "2", "x.py")[1]


@pytest.mark.parametrize(
    ("words", "whys"),
    [
        ("--workload mpi -N 2 --ntasks-per-node 8 ./a", ["--nodes times --ntasks-per-node: 2 times 8"]),
        ("--workload torchrun -N 2 --nproc-per-node 4 a.py", ["one process per node"]),
        ("--workload ray --hetjob --workers 2 a.py", ["the head, on its own node", "--workers"]),
        ("--workload serial a", ["one task"]),
        ("--workload dask-mpi a.py", ["3 workers, the scheduler and the client, one rank each"]),
        ("--runner local a.py", ["one task"]),
        ("--workload dask-mpi -n 7 a.py", ["--ntasks"]),
    ],
)
def test_why_there_are_as_many_tasks(call: Any, words: str, whys: List[str]) -> None:
    lines = json.loads(call("explain", "--json", "--site", "vaughan", "-A", "x", *words.split())[1])
    assert [line["origins"][0]["text"] for line in lines if "SBATCH --ntasks=" in line["text"]] == whys


def completions(*words: str) -> List[str]:
    env = {**os.environ, "_HPCGEN_COMPLETE": "complete_bash", "COMP_WORDS": " ".join(words), "COMP_CWORD": str(len(words) - 1)}
    done = subprocess.run([sys.executable, "-m", "hpcgen"], env=env, capture_output=True, text=True)
    return done.stdout.split()


def test_completion() -> None:
    assert completions("hpcgen", "slurm", "--site", "mahuika") == ["mahuika", "mahuika-cs400"]
    assert "milan" in completions("hpcgen", "slurm", "--site", "mahuika", "--partition", "mi")
    assert completions("hpcgen", "slurm", "--site", "mahuika-cs400", "--module", "Py") == ["Python/3.9.9-gimkl-2020a"]
    assert completions("hpcgen", "pbs", "--site", "gadi", "--module", "sing") == ["singularity"]
    assert completions("hpcgen", "slurm", "--workload", "dask") == ["dask-mpi"]
    assert completions("hpcgen", "slurm", "--partition", "mi") == []
    assert completions("hpcgen", "slurm", "--hetj") == ["--hetjob"]
    assert completions("hpcgen", "sites", "show", "kes") == ["kestrel"]


def test_completion_behind_an_equals_sign() -> None:
    """Bash splits words at it."""
    assert completions("hpcgen", "slurm", "--site", "=", "mahuika") == ["mahuika", "mahuika-cs400"]
    assert "kestrel" in completions("hpcgen", "slurm", "--site", "=")
    assert completions("hpcgen", "slurm", "--site", "=", "mahuika", "--partition", "=", "mil") == ["milan"]
    assert completions("hpcgen", "slurm", "--site=mahuika") == ["mahuika", "mahuika-cs400"]


def test_a_reader_that_goes_away() -> None:
    done = subprocess.run(
        f"{sys.executable} -m hpcgen slurm --site mahuika --hetjob | true", shell=True, capture_output=True, text=True
    )
    assert "Traceback" not in done.stderr and "BrokenPipe" not in done.stderr


@pytest.mark.parametrize("command", ["sites", "slurm --site mahuika", "explain --site mahuika"])
def test_a_stdout_that_takes_nothing(command: str) -> None:
    for closed in (">/dev/full", ">&-"):
        done = subprocess.run(f"{sys.executable} -m hpcgen {command} {closed}", shell=True, capture_output=True, text=True)
        assert done.returncode == 1 and "stdout" in done.stderr and "Traceback" not in done.stderr


def test_an_interrupt_ends_it_without_a_traceback(tmp_path: Path) -> None:
    """While it waits for a request file that nobody writes. What starts tests in the background may have SIGINT ignored."""
    os.mkfifo(tmp_path / "job.toml")
    command = [sys.executable, "-m", "hpcgen", "script", "--site", "mahuika", str(tmp_path / "job.toml")]
    begun = subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler)
    )
    with open(tmp_path / "job.toml", "w"):  # once hpcgen has opened it, too
        begun.send_signal(signal.SIGINT)
        _, err = begun.communicate(timeout=60)
    assert begun.returncode == 130 and "Traceback" not in err


def test_a_terminal_of_ascii() -> None:
    env = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run([sys.executable, "-m", "hpcgen", "sites"], env=env, capture_output=True)
    assert done.returncode == 0 and b"M\\u0101ui" in done.stdout


def test_no_command_shows_the_help() -> None:
    done = subprocess.run([sys.executable, "-m", "hpcgen"], capture_output=True, text=True)
    # typer before 0.24, Python 3.9's newest, shows it on stdout and ends with 0.
    shown = done.stdout + done.stderr
    assert "\n  slurm " in shown and "Traceback" not in done.stderr
    assert "..." not in shown.partition("Commands:")[2], "a sentence that is cut off"


def test_version(call: Any) -> None:
    from hpcgen import __version__

    assert call("--version") == call("-V") == (0, f"hpcgen {__version__}\n", "")


def test_help_is_that_of_the_command(call: Any) -> None:
    for words in (["slurm"], ["script"], ["sites"], ["sites", "show"], ["dask-jobqueue"], []):
        shown = call("help", *words)
        assert shown == call(*words, "--help") and shown[0] == 0 and "Usage: hpcgen" in shown[1]
    assert call("help", "slum")[::2] == (2, "hpcgen: error: help: hpcgen has no command 'slum' – did you mean 'slurm'?\n")
    assert "slurm has no command 'x'" in call("help", "slurm", "x")[2]
    assert completions("hpcgen", "help", "sl") == ["slurm"]


def shown_options(text: str) -> List[str]:
    return re.findall(r"^  (?:-\w, )?(--[\w-]+)", text, re.MULTILINE)


@pytest.mark.parametrize("name", schedulers.names())
def test_help_has_groups_fits_the_scheduler_and_ends_with_examples(call: Any, name: str) -> None:
    text = call(name, "--help")[1]
    shown = re.findall(r"^(\w[\w ]*):$", text, re.MULTILINE)
    assert shown == [group for group in GROUPS if group in shown] and shown[:2] == ["Program", "Resources"]
    scheduler, known = schedulers.get(name), shown_options(text)
    assert not {option(field) for field in (*scheduler.silent, *scheduler.lacks)} & set(known)
    assert ("--mpi" in known) == ("--kill-on-bad-exit" in known) == (name == "slurm")
    last = text.rstrip().partition("\n  Examples:\n")[2].splitlines()
    assert len(last) == 3 and all(line.startswith(f"    hpcgen {name} ") for line in last)
    assert ("--hetjob" in known) == ("--hetjob" in last[-1])
    for line in last:
        words = line.replace("NAME", SITES[name]).split()[2:]
        assert call(name, *([] if name == "local" else ["-A", "x"]), *words)[0] == 0, line


# A site for each scheduler, whose help has NAME in its examples.
SITES = {"slurm": "mahuika", "pbs": "polaris", "sge": "myriad", "lsf": "summit", "flux": "tuolumne", "local": "local"}


def test_every_option_stands_in_the_help_of_script(call: Any) -> None:
    known = shown_options(call("script", "--help")[1])
    assert set(known) >= {option(field) for field in Request.__struct_fields__ if field not in ("program", "args")}
    assert len(known) == len(set(known))


def test_what_help_leaves_out_is_still_accepted(call: Any) -> None:
    code, _, err = call("local", "--partition", "x", "--mpi", "pmi2", "--workers", "2", "x.py")
    assert code == 0 and "--partition" in err and "--mpi" in err
    assert "Grid Engine" in call("sge", "--site", "myriad", "--qos", "x", "x.py")[2]


@pytest.mark.parametrize(
    ("words", "options", "right"),
    [
        ("slurm a.py --site mahuika", "--site", "slurm --site mahuika a.py"),
        ("slurm -t 2h a.py --site=m3 x -n 4", "--site, -n", "slurm … --site=m3 -n 4 a.py x"),
        ("slurm --site mahuika a.py --hetjob 'b c'", "--hetjob", "slurm … --hetjob a.py 'b c'"),
        ("slurm --site mahuika --time 5 a.py --time 2", "", ""),
        ("slurm --site mahuika a.py -n 4 --alpha", "", ""),
        ("script --site mahuika a.py --nodes 1", "--nodes", "script … --nodes 1 a.py"),
    ],
)
def test_an_option_of_ours_after_the_program(call: Any, words: str, options: str, right: str) -> None:
    err = call(*shlex.split(words))[2]
    note = f"hpcgen: note: {options}: options after a.py are passed to a.py: to pass them to hpcgen, write hpcgen {right}\n"
    assert (note in err) if right else "options after" not in err


def on_a_terminal(*words: str, **env: str) -> str:
    """What the command prints where stderr is a terminal."""
    inner, outer = os.openpty()
    environ = {name: text for name, text in os.environ.items() if name not in ("NO_COLOR", "TERM")}
    command = [sys.executable, "-m", "hpcgen", *words]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=outer, env={**environ, "TERM": "xterm", **env}) as begun:
        os.close(outer)
        found = b""
        try:
            while chunk := os.read(inner, 4096):
                found += chunk
        except OSError:  # the other end is closed
            pass
        begun.wait(timeout=60)
    os.close(inner)
    return found.decode().replace("\r\n", "\n")


def test_labels_on_a_terminal_and_in_a_pipe(call: Any) -> None:
    words = ["slurm", "--site", "mahuika", "--nproc-per-node", "4", "a\x1b[31m.py"]
    text = on_a_terminal(*words)
    assert text.startswith("\x1b[36mnote:\x1b[0m assuming") and "\n\x1b[1;31merror:\x1b[0m --nproc-per-node" in text
    assert text.count("\x1b") == 2 * len(text.splitlines()), "none comes from a value"
    for env in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        plain = on_a_terminal(*words, **env)
        assert plain.startswith("note: assuming") and "\nerror: --nproc" in plain and "\x1b" not in plain
    assert [line.split(": ")[:2] for line in call(*words)[2].splitlines()] == [["hpcgen", "note"], ["hpcgen", "error"]]


def test_quiet(call: Any) -> None:
    for quiet in ("--quiet", "-Q"):
        assert call("slurm", quiet, "--site", "mahuika", "--hetjob", "-w", f"{quiet.strip('-')}.sh", "x.py")[::2] == (0, "")
    assert call("slurm", "-Q", "--site", "mahuka")[2].startswith("hpcgen: error: ")
    assert "note: " in call("slurm", "--site", "mahuika")[2], "it holds for one command"


def test_what_a_script_costs(call: Any) -> None:
    words = ["--site", "kestrel", "-A", "x", "--time", "4h", "./a"]
    (cost,) = [line for line in call("slurm", *words)[2].splitlines() if "cost" in line]
    assert cost.startswith("hpcgen: note: cost: 40 AU for the whole time limit, 04:00:00; ")
    assert "with --partition shared it costs 0.38" in cost
    assert "cost: 0.38462 AU for" in call("slurm", "--partition", "shared", *words)[2]
    full = call("slurm", "--workload", "mpi", "--nodes", "1", "--ntasks", "104", *words)[2]
    assert "cost: 40 AU for the whole time limit, 04:00:00\n" in full
    array = call("slurm", "--array", "1-3", *words)[2]
    assert "cost: 120 AU for the whole time limit, 04:00:00 of 3 jobs;" in array
    assert "cost:" not in call("slurm", "--site", "m3-smu", "-A", "x", "./a")[2], "its profile has no charge"
    code, out, err = call("explain", *words)
    assert code == 0 and "# cost:" in out and "cost:" not in err


def test_only_near_names_are_suggested(call: Any) -> None:
    assert "did you mean" not in call("slurm", "--site", "lumi")[2] and "known: " in call("slurm", "--site", "lumi")[2]
    for wrong, right in (("mahuka", "mahuika"), ("kestral", "kestrel"), ("eagel", "eagle"), ("gady", "gadi")):
        assert f"did you mean '{right}'?" in call("slurm", "--site", wrong)[2]


def test_json_of_what_is_not_utf8_is_refused(call: Any) -> None:
    for command in ("slurm", "explain"):
        code, _, err = call(command, "--site", "mahuika", "--json", "x.py", "\udcff")
        assert code == 2 and "not valid UTF-8" in err and "Traceback" not in err


def test_notes_cannot_steer_a_terminal(call: Any) -> None:
    assert "\x1b" not in call("slurm", "--site", "mahuika", "a\x1b[31mb.py")[2]


def test_a_log_folder_that_is_not_here_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any) -> None:
    """Slurm would let the job vanish; what is there needs no word."""
    monkeypatch.chdir(tmp_path)
    words = ["slurm", "--site", "mahuika", "--output", "logs/%j.out", "--error", "logs/%j.err", "x.py"]
    assert status(words) == 0 and capfd.readouterr().err.count("the log folder logs does not exist") == 1
    (tmp_path / "logs").mkdir()
    assert status(words) == 0 and "log folder" not in capfd.readouterr().err
    assert status(["local", *words[3:]]) == 0 and "log folder" not in capfd.readouterr().err


def test_a_job_on_this_machine_runs_in_the_folder_of_chdir(tmp_path: Path) -> None:
    """The workload is inferred from the program in that folder, the tasks are counted there, and the job runs there."""
    folder = tmp_path / "a 'b"
    folder.mkdir()
    (folder / "show.py").write_text("import os, sys; print(os.getcwd(), *sys.argv[1:])")
    (folder / "t.csv").write_text("alpha\n1\n2\n")
    bare = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path), "HPCGEN_PATH": ""}

    def run(*words: str, chdir: str = folder.name) -> Tuple[int, str, str]:
        command = [sys.executable, "-m", "hpcgen", "run", "--chdir", chdir, "--python", sys.executable, *words]
        done = subprocess.run(command, cwd=tmp_path, env=bare, capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout, done.stderr

    code, out, err = run("show.py", "x")
    assert (code, out) == (0, f"{folder} x\n") and "show.py imports neither" in err and "--chdir" not in err
    assert run("--table", "t.csv", "show.py", "{alpha}")[:2] == (0, f"{folder} 1\n{folder} 2\n")
    code, out, err = run("./show.py", chdir="gone")
    assert (code, out) == (1, "") and "gone" in err and "hpcgen: error: the job ended with status 1\n" in err
