"""Slurm's own parsers read our scripts: the gallery, any request, and the facts of Slurm that we build on."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Dict, List

import oracle
import pytest
import tiny
from hypothesis import HealthCheck, assume, given, note, settings
from hypothesis import strategies as st
from stubs import Stubs

from hpcgen import RequestError, load, plan, render
from hpcgen.base import toml
from hpcgen.profiles.load import decode
from hpcgen.profiles.site import Site
from hpcgen.request.layers import Layer, Merged, merge

oracle.or_skip()
pytest.register_assert_rewrite("judge")
import judge  # noqa: E402  (now: its assertions are to show their values)

SCRIPTS = Path(__file__).parent / "scripts"
CASES = [path for path in sorted(SCRIPTS.glob("*/*.sh")) if load(path.parent.name).scheduler.type == "slurm"]
BASH = "#!/bin/bash\n"
quiet = settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def stubs(tmp_path_factory: pytest.TempPathFactory) -> Stubs:
    return Stubs(tmp_path_factory.mktemp("stubs"))


def request_of(values: Dict[str, Any], site: Site) -> Merged:
    return merge([Layer("fact", "site", site.defaults), Layer("file", "job.toml", values)])


def file(path: Path) -> Dict[str, Any]:
    return {**toml.read(path.with_suffix(".toml"), RequestError), "site": path.parent.name}


@pytest.mark.parametrize("path", CASES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_gallery(path: Path, stubs: Stubs) -> None:
    site = load(path.parent.name)
    merged = request_of(file(path), site)
    job = plan(site, merged)
    judge.judged(render(job), job, merged.request)
    judge.launched(render(job), job, merged.request, stubs)


def small(style: str, version: Any = None) -> Site:
    """A site that sets no limits: whatever can be said to Slurm is to arrive."""
    profile = tiny.tables(scheduler={"gpu_request": style, "version": version, "hetjob": True})
    return decode("tiny", {**profile, "nodes": {}, "partitions": {}}, "tiny.toml")


STYLES = ("gpus", "gpus-per-node", "gres")
SITES = [small(style, version) for style in STYLES for version in ("22.05", "19.05")]


MARKS = " '\"#\\$`;&|:=-*?~!%()[]{}<>,/éß☃日"
PRINTABLE = st.text(st.one_of(st.sampled_from(MARKS), st.characters(codec="ascii", categories="LNPS")), min_size=1, max_size=16)
WORDS = st.from_regex(r"[A-Za-z0-9_.+@][A-Za-z0-9_.+@=/-]{0,12}", fullmatch=True)
COUNTS = st.integers(1, 40)
# Each with what it is: minutes, and MiB.
TIMES = st.one_of(
    st.integers(1, 100_000).map(lambda n: (str(n), n)),
    st.builds(lambda n, unit: (f"{n}{unit[0]}", -(-n * unit[1] // 60)), st.integers(1, 400), st.sampled_from(
        [("s", 1), ("m", 60), ("h", 3600), ("d", 86400)])),
    st.builds(lambda h, m: (f"{h}:{m:02}:00", h * 60 + m), st.integers(1, 99), st.integers(0, 59)),
    st.builds(lambda d, h: (f"{d}-{h}", (d * 24 + h) * 60), st.integers(1, 20), st.integers(0, 23)),
)  # fmt: skip
MEMORY = st.builds(lambda n, unit: (f"{n}{unit[0]}", n * unit[1]), st.integers(1, 3000), st.sampled_from(
    [("", 1), ("M", 1), ("MB", 1), ("G", 1024), ("GiB", 1024), ("T", 1024**2)]))  # fmt: skip
GPUS = st.builds("{}{}".format, st.sampled_from(["", "h100:", "a100-pcie:"]), st.integers(1, 16))
HINTS = st.sampled_from(["compute_bound", "memory_bound", "multithread", "nomultithread"])
LISTED = {
    "constraint": ["a100", "ib&milan", "[rack1|rack2]", "a*2&b"], "nodelist": ["n1", "wbn003"], "exclude": ["n[2-4,7],m1"],
    "licenses": ["mat:2", "mat@srv:1,idl"], "distribution": ["block", "cyclic:block", "plane=4", "block:cyclic:fcyclic"],
    "open_mode": ["append", "truncate"], "mail_type": ["END", "BEGIN,FAIL", "ALL", "TIME_LIMIT_80", "NONE"],
    "array": ["1-10", "0-99:3", "1,5,9%2", "7"], "dependency": ["afterok:12:13", "singleton"], "requeue": [True, False],
    "signal": ["USR1", "B:USR1@120", "TERM@300", "R:INT@30"], "export": ["ALL", "NONE", "A,B=c"], "exclusive": [True, False],
    "gres": ["lscratch:200", "nvme:10,tmp:1"], "directive": [["--nice=5"], ['--wckey="a b"', "--contiguous"]],
}  # fmt: skip
FREE = {
    **{name: PRINTABLE for name in ("job_name", "output", "error", "chdir", "comment")},
    **{name: WORDS for name in ("account", "qos", "partition", "reservation", "mail_user")},
    **{name: st.sampled_from(values) for name, values in LISTED.items()},
}


ARGS = ["--alpha", "a b", ":", "", "x\n#PBS -q long"]


@st.composite
def requests(draw: Any) -> Any:
    """A request that makes sense, and what its amounts are in Slurm's units."""
    values = {name: draw(FREE[name]) for name in draw(st.lists(st.sampled_from(sorted(FREE)), unique=True, max_size=9))}
    values["workload"] = workload = draw(st.sampled_from(["dask-mpi", "dask-mpi", "mpi", "serial"]))
    want = {}
    for name, kind in (("time", TIMES), (draw(st.sampled_from(["mem", "mem_per_cpu", "mem_per_gpu"])), MEMORY)):
        if draw(st.booleans()):
            values[name], amount = draw(kind)
            want[name.replace("_", "-")] = str(amount)
    maybe: Dict[str, Any] = {draw(st.sampled_from(["gpus", "gpus_per_node", "gpus_per_task"])): GPUS, "cpus_per_task": COUNTS}
    maybe.update(draw(st.sampled_from([{"hint": HINTS}, {"threads_per_core": COUNTS, "ntasks_per_core": COUNTS}])))
    if workload == "dask-mpi":
        values["hetjob"] = draw(st.booleans())
        maybe.update(workers=COUNTS, cpus_per_worker=COUNTS, **({"scheduler_cpus": st.just(2)} if values["hetjob"] else {}))
        maybe.pop(draw(st.sampled_from(["cpus_per_task", "cpus_per_worker"])))
    elif workload == "mpi":
        maybe["ntasks"] = st.integers(3, 90)
    if workload != "serial":
        maybe.update(nodes=st.integers(1, 3), ntasks_per_node=COUNTS)
    for name, kind in maybe.items():
        if draw(st.booleans()):
            values[name] = draw(kind)
    values["program"] = draw(st.sampled_from(["prog.py", "bin/prog.py", "two words.py"]))
    values["args"] = draw(st.lists(st.one_of(st.sampled_from(ARGS), PRINTABLE), max_size=4))
    return values, want


def test_any_request(stubs: Stubs) -> None:
    """A value arrives exactly as it was given, or is refused beforehand."""
    seen: Counter[str] = Counter()

    @quiet
    @given(requests(), st.sampled_from(SITES))
    def arrives(drawn: Any, site: Site) -> None:
        values, want = drawn
        try:
            merged = request_of(values, site)
            job = plan(site, merged)
        except RequestError as why:
            seen[str(why)] += 1
            return
        seen["arrived"] += 1
        script = render(job)
        note(script)
        judge.judged(script, job, merged.request)
        last = judge.normal(oracle.sbatch(script).components[-1])
        assert {**last, **want} == last
        judge.launched(script, job, merged.request, stubs)

    arrives()
    assert seen["arrived"] > sum(seen.values()) / 3, seen


# Names of generic resources are the site's own, and a whole directive is taken at its word.
TEXTS = (*sorted({*FREE} - {"gres", "directive"}), "gpus", "hint", "time", "mem_per_cpu")


@settings(quiet, max_examples=200)
@given(st.sampled_from(TEXTS), st.one_of(st.text(min_size=1, max_size=12), PRINTABLE, WORDS))
def test_any_text(name: str, text: str) -> None:
    """Nonsense too: whatever stands in one field arrives exactly, alone, or is refused beforehand."""
    # A list of nodes with a slash in it is a file of names, which sbatch looks for on the machine where it runs.
    assume(not (name in ("nodelist", "exclude") and "/" in text))
    try:
        merged = request_of({name: text}, SITES[0])
        job = plan(SITES[0], merged)
    except RequestError:
        return
    script = render(job)
    note(script)
    judge.judged(script, job, merged.request)


def test_judge_is_strict() -> None:
    """An option lost, altered, doubled, added, or put where sbatch does not read it is seen."""
    merged = request_of({"hetjob": True, "job_name": "a b", "program": "prog.py"}, SITES[0])
    job = plan(SITES[0], merged)
    script = render(job)
    judge.judged(script, job, merged.request)
    lines = [line for line in script.split("\n") if line.startswith("#SBATCH --")]
    wrong = [script.replace(line + "\n", other, 1) for line in lines for other in ("", f"{line}\n{line}\n", f"{line}1\n")]
    wrong += [script.replace(lines[0], f"{lines[0]}\n#SBATCH --qos=x"), script + "#SBATCH --qos=x\n"]
    wrong += [script.replace("#SBATCH hetjob\n", ""), script.replace("#SBATCH", "true\n#SBATCH", 1)]
    for text in wrong:
        with pytest.raises(AssertionError):
            judge.judged(text, job, merged.request)


# What sbatch drops with a warning at most, or refuses only when the job is submitted.
@pytest.mark.parametrize(
    ("values", "lines"),
    [
        ({"mail_type": "END,FIAL"}, ["--mail-type=END,FIAL"]),
        ({"signal": "USR3"}, ["--signal=USR3"]),
        ({"distribution": "blok"}, ["--distribution=blok"]),
        ({"workload": "mpi", "ntasks": 2, "nodes": 4}, ["--ntasks=2", "--nodes=4"]),
        ({"workload": "mpi", "ntasks": 4, "nodes": 4, "gpus": "2"}, ["--ntasks=4", "--nodes=4", "--gpus=2"]),
        ({"workload": "mpi", "ntasks": 4, "nodes": 2, "distribution": "plane=8"}, ["-n4", "-N2", "--distribution=plane=8"]),
        ({"mem_per_gpu": "4G"}, ["--ntasks=1", "--mem-per-gpu=4G"]),
        ({"gpus": "5", "cpus_per_task": 2, "cpus_per_gpu": 2}, ["--gpus=5", "--cpus-per-task=2", "--cpus-per-gpu=2"]),
        ({"directive": ["nice=5"]}, ["nice=5"]),
        ({"directive": ['--comment="a']}, ['--comment="a']),
    ],
)
def test_refused_beforehand(values: Dict[str, Any], lines: List[str]) -> None:
    verdict = directive(*(f"#SBATCH {line}" for line in lines))
    assert verdict.errors or verdict.components == [{"mail-type": "END"}]
    with pytest.raises(RequestError):
        plan(SITES[0], request_of(values, SITES[0]))


def test_cpus_by_gpu_become_cpus_of_a_task() -> None:
    """Beside --cpus-per-gpu sbatch takes no --cpus-per-task, which srun and OpenMP are told."""
    merged = request_of({"workload": "serial", "gpus": "2", "cpus_per_gpu": 8, "program": "train.py"}, SITES[0])
    job = plan(SITES[0], merged)
    assert oracle.sbatch(render(job)).components[0]["cpus-per-task"] == "16"


def directive(*lines: str) -> oracle.Verdict:
    return oracle.sbatch("\n".join(["#!/bin/bash", *lines, "true", ""]))


def test_memory_is_a_whole_number() -> None:
    assert directive("#SBATCH --mem=1.5G") == ([], ["sbatch: error: Invalid --mem specification"])


def test_blanks_around_an_equals_sign() -> None:
    assert directive("#SBATCH -p = x").errors == ["sbatch: error: Invalid directive found in batch script: x"]


def test_leading_separator_makes_an_empty_component() -> None:
    assert directive("#SBATCH hetjob", "#SBATCH --ntasks=2").components == [{}, {"ntasks": "2"}]


def test_memory_is_carried_over_and_memory_per_cpu_is_not() -> None:
    both = [directive(f"#SBATCH --{key}=2G", "#SBATCH hetjob", "#SBATCH -n2") for key in ("mem", "mem-per-cpu")]
    assert [verdict.components[1] for verdict in both] == [{"mem": "2G", "ntasks": "2"}, {"ntasks": "2"}]
    mixed = directive("#SBATCH --mem=2G", "#SBATCH hetjob", "#SBATCH --mem-per-cpu=1G")
    assert mixed.errors == ["sbatch: fatal: --mem, --mem-per-cpu, and --mem-per-gpu are mutually exclusive."]


def test_directive_after_a_command_is_not_read() -> None:
    assert directive("#SBATCH -n2", "true", "#SBATCH -c4") == ([{"ntasks": "2"}], [])


def test_other_schedulers_directives_are_read_even_after_commands() -> None:
    """Why no line of a script may begin with a mark that came in with an argument."""
    assert directive("#SBATCH -n2", "echo '", "#PBS -q long", "'").components == [{"ntasks": "2", "partition": "long"}]


def test_seconds_are_rounded_up_to_minutes() -> None:
    assert directive("#SBATCH --time=0:01:30").components == [{"time": "00:02:00"}]


def test_cpus_on_the_line_of_two_groups_hit_both() -> None:
    """--cpus-per-task with both groups at once; the colon form tells them apart."""
    verdict = oracle.sbatch(BASH)
    assert verdict.errors == []
    both = oracle.srun_blocks(["--het-group=0-1", "--cpus-per-task=4", "prog"], 2)
    assert [block["cpus-per-task"] for block in both.components] == ["4", "4"]
    none = oracle.srun_blocks(["--het-group=0-1", "prog"], 2)
    assert [block.get("cpus-per-task") for block in none.components] == [None, None]
    parts, errors = oracle.srun(["--het-group=0", "--cpus-per-task=1", "p", ":", "--het-group=1", "--cpus-per-task=4", "p"], 2)
    assert ([part.options["cpus-per-task"] for part in parts], errors) == (["1", "4"], [])


def test_oracle_in_threads() -> None:
    with ThreadPoolExecutor(8) as pool:
        verdicts = list(pool.map(lambda n: directive(f"#SBATCH -n{n}"), range(1, 65)))
    assert [verdict.components[0]["ntasks"] for verdict in verdicts] == [str(n) for n in range(1, 65)]


def test_missing_slurm_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(oracle.Missing, match="sbatch is not installed: apt-get install slurm-client"):
        oracle.sbatch(BASH)
    monkeypatch.setenv("CI", "true")
    with pytest.raises(oracle.Missing):
        oracle.or_skip()
    monkeypatch.setenv("CI", "")
    with pytest.raises(pytest.skip.Exception, match="not installed"):
        oracle.or_skip()
