"""What a cold start finds: compiled modules or none, files in memory or not."""

import ctypes
import mmap
import os
import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path

STDLIB = Path(sysconfig.get_path("stdlib"))
PACKAGES = Path(sysconfig.get_path("purelib"))
_SUFFIXES = {".py", ".pyc", ".so"}


def only_standard_library(folder: Path) -> Path:
    """Make *folder* a PYTHONPYCACHEPREFIX under which nothing but the standard library is compiled.

    Python then looks there alone: packages and app are compiled at each start, as where a package ships no .pyc.
    """
    for compiled in STDLIB.rglob("__pycache__/*.cpython-*.pyc"):
        parts = compiled.relative_to(STDLIB).parts
        if "site-packages" in parts or "test" in parts:
            continue
        name, tag, rest = compiled.name.partition(".cpython-")
        if ".opt-" in rest:
            continue
        link = folder / compiled.parent.parent.relative_to("/") / f"{name}{tag}{rest}"
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(compiled)
    return folder


def code(*folders: Path) -> tuple[Path, ...]:
    """Return the files a start reads: modules, compiled modules and libraries of Python, packages and *folders*."""
    return tuple(path.resolve() for folder in (STDLIB, PACKAGES, *folders) for path in _files(folder))


def _files(folder: Path) -> Iterator[Path]:
    for place, _folders, names in os.walk(folder, followlinks=True):
        yield from (Path(place, name) for name in names if os.path.splitext(name)[1] in _SUFFIXES)  # noqa: PTH122 - 10,000s


def evict(files: Iterable[Path]) -> None:
    """Ask the kernel to drop *files* from the page cache (posix_fadvise); what a process maps stays."""
    for path in files:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(descriptor)


def cached(files: Iterable[Path]) -> float:
    """Return the share (0 to 1) of the pages of *files* that are in the page cache (mincore)."""
    pages = present = 0
    library = ctypes.CDLL(None, use_errno=True)
    for path in files:
        size = path.stat().st_size
        if not size:
            continue
        count = -(-size // mmap.PAGESIZE)
        # Copy on write: ctypes takes the address of a writable map only. Nothing is written.
        with path.open("rb") as file, mmap.mmap(file.fileno(), size, access=mmap.ACCESS_COPY) as view:
            seen = (ctypes.c_ubyte * count)()
            start = ctypes.c_char.from_buffer(view)
            failed = library.mincore(ctypes.byref(start), ctypes.c_size_t(size), seen)
            del start  # a map with a pointer into it cannot be closed
            if failed:
                raise OSError(ctypes.get_errno(), "mincore")
            pages += count
            present += sum(flag & 1 for flag in seen)
    return present / pages if pages else 0.0
