"""Lmod's small module files over real installations, and the few stand-ins for what a miniature cannot have."""
from __future__ import annotations

import shlex
from pathlib import Path

from . import mpi
from .shape import Module, Shape


def write(shape: Shape, folder: Path) -> None:
    """One file a module; Lmod finds them through /etc/lmod/modulespath."""
    for module in shape.modules:
        file = folder / f"{module.name}.lua"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text(shape, module, folder))
    if shape.conda_envs or any(module.gives == "conda" for module in shape.modules):
        write_conda(shape, folder.parent / "conda")
    plain = folder.parent / "python/bin"
    plain.mkdir(parents=True, exist_ok=True)
    (plain / "python").symlink_to("/usr/bin/python3")


def text(shape: Shape, module: Module, folder: Path) -> str:
    lines = [f'whatis("{module.name}, in miniature: {module.gives or "nothing"}")']
    if module.gives in mpi.KINDS:
        lines.append(f'prepend_path("PATH", "{mpi.venv(shape.suite, module.gives)}/bin")')
    elif module.gives == "conda":
        lines.append(f'prepend_path("PATH", "{folder.parent}/conda/envs/base/bin")')
        lines.append(f'prepend_path("PATH", "{folder.parent}/conda/bin")')
        lines.append(f'set_shell_function("conda", ". {folder.parent}/conda/etc/profile.d/conda.sh; conda \\"$@\\"", "")')
    elif module.gives == "python":  # Debian's, by the name that scripts use
        lines.append(f'prepend_path("PATH", "{folder.parent}/python/bin")')
    elif module.gives.startswith("/"):  # an installation by itself, with no Python in it
        lines.append(f'prepend_path("PATH", "{module.gives}/bin")')
        lines.append(f'prepend_path("LD_LIBRARY_PATH", "{module.gives}/lib")')
    elif module.gives == "apptainer":
        lines.append('prepend_path("PATH", "/opt/apptainer/bin")')
    elif module.gives:
        raise ValueError(f"module {module.name}: nothing installs {module.gives!r}")
    lines += [f'setenv("{name}", "{value}")' for name, value in module.env.items()]
    return "\n".join(lines) + "\n"


def profile(shape: Shape) -> str:
    """What the site adds to a login shell."""
    lines = [f"export {name}={shlex.quote(value)}" for name, value in shape.env.items()]
    if not shape.module_in_batch:
        lines += ["unset BASH_ENV", "export -nf module ml"]
    return "\n".join(lines) + "\n"


def write_conda(shape: Shape, top: Path) -> None:
    """A stand-in: `conda activate NAME` puts an environment of mpi.py first, as conda's own does."""
    for name, kind in {"base": "impi", **shape.conda_envs}.items():
        (top / "envs").mkdir(parents=True, exist_ok=True)
        (top / "envs" / name).symlink_to(mpi.venv(shape.suite, kind))
    for name, content in (("bin/conda", CONDA), ("etc/profile.d/conda.sh", CONDA_SH), ("bin/activate", ACTIVATE)):
        file = top / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content.replace("@TOP@", str(top)))
        file.chmod(0o755)


CONDA = """#!/bin/bash
# stand-in for conda: knows its own place and its environments
case "$1 ${2-}" in
    "info --base") echo @TOP@ ;;
    "env list") ls @TOP@/envs ;;
    "shell.bash hook"|"shell.posix hook") cat @TOP@/etc/profile.d/conda.sh ;;
    activate*|deactivate*) echo "CondaError: Run 'conda init' before 'conda activate'" >&2; exit 1 ;;
    *) echo "conda stand-in: $* is not known" >&2; exit 2 ;;
esac
"""

CONDA_SH = """# stand-in for conda's shell function
conda() {
    case "$1" in
        activate) __conda_activate "${2:-base}" ;;
        deactivate) PATH=${PATH#"${CONDA_PREFIX:-none}/bin:"}; unset CONDA_PREFIX CONDA_DEFAULT_ENV ;;
        *) @TOP@/bin/conda "$@" ;;
    esac
}
__conda_activate() {
    local prefix=$1
    case "$1" in */*) ;; *) prefix=@TOP@/envs/$1 ;; esac
    if [ ! -x "$prefix/bin/python" ]; then
        echo "EnvironmentNameNotFound: Could not find conda environment: $1" >&2
        return 1
    fi
    export CONDA_PREFIX=$prefix CONDA_DEFAULT_ENV=$1 PATH=$prefix/bin:$PATH
}
"""

ACTIVATE = """# stand-in for `source activate NAME` of older conda
. @TOP@/etc/profile.d/conda.sh
conda activate "$@"
"""
