"""The start of hpcgen's .pyz file: unpack the file into a cache folder, once, and run hpcgen from there.

Compiled modules cannot be imported from a zip file. Python 2 can read this text, too, so that it can say which Python it needs.
"""
# ruff: noqa: UP031
import os
import sys

BUILT = {}  # tools/pyz.py writes it: python, platform, suffix, digest


def fail(text):
    sys.exit("hpcgen: " + text)


def check():
    """The compiled modules fit one version of Python on one kind of machine."""
    import platform
    import sysconfig

    if sys.version_info[:2] == BUILT["python"]:
        from importlib.machinery import EXTENSION_SUFFIXES

        if EXTENSION_SUFFIXES[0] == BUILT["suffix"]:
            return
    wanted = "CPython %d.%d on %s" % (BUILT["python"] + (BUILT["platform"],))
    here = "%s %s on %s" % (platform.python_implementation(), platform.python_version(), sysconfig.get_platform())
    fail("this file needs %s, and this is %s: run it with python%d.%d, or build another on such a machine (make pyz PYTHON=...)"
         % ((wanted, here) + BUILT["python"]))  # fmt: skip


def folders():
    """Where to unpack: the user's cache, else a private folder for temporary files."""
    import tempfile

    cache = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.environ.get("HOME") or "", ".cache")
    if os.path.isabs(cache):
        yield os.path.join(cache, "hpcgen", "pyz")
    yield os.path.join(tempfile.gettempdir(), "hpcgen-%d" % os.getuid())


def private(folder):
    """Only you can put a file into it, or this fails."""
    import stat

    found = os.lstat(folder)
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise OSError("%s is not a folder of yours" % folder)
    if stat.S_IMODE(found.st_mode) & 0o077:
        os.chmod(folder, 0o700)


def unpacked(folder):
    """The file's contents in `folder`. They appear at once and complete, whichever of several processes unpacks them first."""
    place = os.path.join(folder, BUILT["digest"])
    os.makedirs(folder, 0o700, exist_ok=True)
    private(folder)
    if not os.path.isdir(place):
        import shutil
        import tempfile
        import zipfile

        part = tempfile.mkdtemp(prefix=".part-", dir=folder)
        try:
            with zipfile.ZipFile(os.path.dirname(os.path.abspath(__file__))) as packed:
                packed.extractall(part)
            os.rename(part, place)
        except OSError:
            if not os.path.isdir(place):
                raise
        finally:
            shutil.rmtree(part, ignore_errors=True)
    return place


def start():
    check()
    problems = []
    for folder in folders():
        try:
            sys.path[0] = unpacked(folder)
            break
        except OSError as why:
            problems.append(str(why))
    else:
        fail("cannot unpack this file (" + "; ".join(problems) + "): set XDG_CACHE_HOME to a folder that you can write to")
    from hpcgen.cli import main

    main()


start()
