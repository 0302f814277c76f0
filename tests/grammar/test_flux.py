"""Flux' own parser beside ours: flux-core's directives and flux-batch's options, from the wheel flux-python, on the same cases.

The wheel is the Python of flux-core without its library, which only talks to a broker: a library of the same name whose
functions do nothing lets it be imported, and what is read is Flux' own work. `pip install flux-python ply`; a C compiler.
What Flux takes although our parser refuses it is said in the case, `# flux takes it`.
"""

from __future__ import annotations

import ctypes
import importlib.metadata
import os
import platform
import re
import shutil
import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from grammar import flux as ours

CASES = sorted((Path(__file__).parent / "flux").glob("*/*.sh"))


@pytest.fixture(scope="module")
def batch(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """flux.cli.batch. There is no wheel for Python 3.9 nor for other processors; in CI a skip is a failure."""
    lacks = [name for name in ("flux-python", "ply") if not _installed(name)] + ([] if shutil.which("cc") else ["a C compiler"])
    if lacks:
        must = os.environ.get("CI") == "true" and sys.version_info >= (3, 10) and platform.machine() == "x86_64"
        (pytest.fail if must else pytest.skip)(f"Flux's own parser needs {', '.join(lacks)}: pip install '.[test]', and gcc")
    found = importlib.metadata.distribution("flux-python")
    folder = tmp_path_factory.mktemp("flux")
    objects = [str(found.locate_file(file)) for file in found.files or () if file.name.endswith(".abi3.so")]
    wanted = subprocess.run(["nm", "-D", "--undefined-only", *objects], check=True, capture_output=True, text=True).stdout
    names = set(re.findall(r"U ((?:flux|idset|hostlist|sign|json)\w*)", wanted)) - {"flux_conf_builtin_get"}
    source = "".join(f"void {name}(void) {{}}\n" for name in sorted(names))
    (folder / "flux.c").write_text(f'{source}char *flux_conf_builtin_get(void) {{ return "/nonexistent"; }}\n')
    for name in ("libflux-core.so.2", "libflux-hostlist.so.1", "libflux-idset.so.1", "libflux-security.so.1"):
        build = ["cc", "-shared", "-fPIC", "-w", f"-Wl,-soname,{name}", "-o", name, "flux.c"]
        subprocess.run(build, cwd=folder, check=True)
        ctypes.CDLL(str(folder / name), ctypes.RTLD_GLOBAL)
    return importlib.import_module("flux.cli.batch")


def _installed(name: str) -> bool:
    try:
        return bool(importlib.metadata.version(name))
    except importlib.metadata.PackageNotFoundError:
        return False


def submitted(batch: Any, text: str) -> Any:
    """The options as flux batch reads them, up to the jobspec."""
    script = batch.DirectiveParser(StringIO(text))
    command = batch.BatchCmd("flux batch")
    args = None
    for item in script.directives:
        if item.action == "SETARGS":
            args = command.parser.parse_args(item.args, namespace=args)
    command.script = script.script
    args = command.parser.parse_args([], namespace=args)
    args.conf = args.conf or batch.base.BatchConfig()
    return args, command.init_jobspec(args).apply_options(args, prog="batch", _preinit=False)


@pytest.mark.parametrize("script", CASES, ids=lambda script: f"{script.parent.name}/{script.stem}")
def test_as_flux(batch: Any, script: Path) -> None:
    text = script.read_text()
    if script.parent.name == "invalid" and "# flux takes it" not in text:
        with pytest.raises((ValueError, SystemExit)):
            submitted(batch, text)
        return
    args, jobspec = submitted(batch, text)
    if script.parent.name == "valid":
        request = ours.parse(text)
        (part,) = request.components
        assert (args.nslots, args.cores_per_slot, args.gpus_per_slot) == (part.count, part.cpus, part.gpus)
        assert jobspec.duration == float(request.walltime or 0)
        assert (args.bank, args.queue, args.output, args.error) == (
            request.account,
            request.queue,
            request.output,
            request.error,
        )
        assert args.job_name == (request.name or "batch")
        assert "\n".join(args.setattr or ()) == request.extra.get("--setattr", "")
        assert args.exclusive == ("--exclusive" in request.extra)
