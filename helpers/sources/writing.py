"""Every file that is written, and every folder: beside its place, and moved there when whole.

So a full disk, or a program that is stopped or killed, leaves the old one as it was. What a killed
program leaves lies in a hidden folder `.NAME-XXXXXXXX` beside the place, and is locked as long as
its program lives: the next one that writes there removes it.
"""

import errno
import glob
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path

from filelock import FileLock, Timeout

try:
    import fcntl
except ImportError:  # on Windows no file is removed that a program has open
    fcntl = None

from helpers.sources.folder import ADVICE
from helpers.sources.terminal import say

__all__ = [
    "LITTER",
    "cannot_read",
    "cannot_write",
    "checksum",
    "contents",
    "expanded",
    "locked",
    "marked",
]
__all__ += ["new_folder", "no_room", "working", "write"]

LITTER = {".DS_Store", "Thumbs.db", "desktop.ini"}  # that systems leave in folders
LOCK = ".writing"  # in each working folder, and in no other
WAIT = 60  # seconds between two sentences about waiting


def expanded(path: str | Path) -> Path:
    """Return the whole path, with ~ replaced (but for a user that is not known)."""
    return Path(os.path.expanduser(path)).absolute()


def no_room(error: BaseException) -> bool:
    """Say whether an error means that a disk, a quota or a file here is full."""
    return getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def cannot_write(error: OSError, place: Path, advice: str = "choose another place") -> OSError:
    """Return an error of the same kind that says in a sentence what cannot be written and why."""
    if error.errno is None:  # a sentence already
        return error
    advice = f"make room, or {advice}" if no_room(error) else advice
    sentence = type(error)(f"{place} cannot be written ({error.strerror}): {advice}")
    sentence.errno = error.errno
    return sentence


def cannot_read(error: OSError, place: Path) -> OSError:
    """Return an error of the same kind that says in a sentence what of the data cannot be read."""
    return type(error)(f"{place} cannot be read ({error.strerror}): put it right, or {ADVICE}")


def write(path: str | Path, content: str | bytes) -> Path:
    """Write a file, or replace it in one step, and return its path.

    A `~` is expanded; a link is replaced, and the file it leads to stays as it is. Raises OSError,
    with the old file untouched, if the folder is missing, the place is no file, the disk is full.
    """
    path = expanded(path)
    content = content.encode("utf-8") if isinstance(content, str) else content
    try:
        if not path.parent.is_dir():
            advice = f"there is no folder {path.parent} for {path.name}: make it first"
            raise FileNotFoundError(advice)
        if (path.exists() and not path.is_file()) or path.parent == Path("/dev"):
            raise OSError(f"{path} is a folder or a device, not a file: choose another name")
        with working(path) as work:
            new = work / "new"
            new.write_bytes(content)
            if path.exists():
                shutil.copymode(path, new)
            os.replace(new, path)
    except OSError as error:
        raise cannot_write(error, path) from error
    return path


@contextmanager
def working(place: Path) -> Iterator[Path]:
    """Give a new folder beside `place` to work in, which is gone afterwards."""
    name = f".{place.name[:50]}-"
    for left in place.parent.glob(glob.escape(name) + "?" * 8):
        _clear(left, place)
    while True:
        work = Path(tempfile.mkdtemp(prefix=name, dir=place.parent))
        try:
            lock = open(work / LOCK, "xb")
            _hold(lock)
            if (work / LOCK).exists():
                break
        except (FileNotFoundError, BlockingIOError):  # another took it for one that is left
            continue
        except OSError:  # no room even for this
            work.rmdir()
            raise
    try:
        yield work
    finally:
        _empty(work)
        lock.close()
        _empty(work, LOCK)


def _hold(lock):
    """Lock a file as long as it is open; False if this disk knows no locks.

    BlockingIOError if another program holds it. On Windows that it is open keeps it in place.
    """
    try:
        fcntl and fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise
    except OSError:
        return False
    return True


def _empty(work, last=""):
    """Remove what lies in a working folder, but its lock; this and the folder are the last."""
    with suppress(OSError):
        for path in work.iterdir():
            if path.name != LOCK:
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        if last:
            (work / LOCK).unlink(missing_ok=True)
            work.rmdir()


def _clear(left, place):
    """Remove what a killed program left; nothing else may look like it: a lock lies in it."""
    with suppress(OSError):  # its program lives
        if left.is_symlink() or not (left / LOCK).is_file():
            return os.rmdir(left)  # killed at once; a folder that holds anything stays
        if not fcntl:
            (left / LOCK).unlink()
        with open(left / LOCK, "rb") if fcntl else nullcontext() as lock:
            if lock and not _hold(lock):
                return
            if (left / "old").exists() and not os.path.lexists(place):
                os.replace(left / "old", place)
            _empty(left)
        _empty(left, LOCK)


@contextmanager
def new_folder(target: Path, marker: str = "", **about: object) -> Iterator[Path]:
    """Give an empty folder to fill, which at the end becomes `target`.

    `target` may be an empty folder. With a `marker`, a file that this writes into the folder with
    the checksums of all others (and `about`), one is replaced if nothing else lies in it. Raises
    FileExistsError that names what is in the way, at the start and, before it is moved, at the end.
    """

    def check():
        known = (marked(target, marker) or {}).get("files", {}) if marker else {}
        inside = not target.exists() or target.is_dir()
        found = contents(target) if inside else {target.name: target}
        found.pop(marker, None)
        others = [name for name, path in found.items() if checksum(path) != known.get(name, "")]
        if others:
            what = f"{others[0]}{f' and {len(others) - 1:,} more' * (len(others) > 1)}"
            raise FileExistsError(
                f"{target} is there already and is not an empty folder: {what} in it is not what "
                "was made here. Move it away, delete it if you do not need it, or choose another "
                "name"
            )

    target = Path(os.path.realpath(target))  # a linked folder stays linked
    check()
    with working(target) as work:
        new, old = work / "new", work / "old"
        new.mkdir()
        yield new
        if marker:
            sums = {name: checksum(path) for name, path in contents(new).items()}
            (new / marker).write_text(json.dumps({**about, "files": sums}, indent=0), "utf-8")
        check()
        if marker and target.exists():
            os.replace(target, old)
        else:
            with suppress(OSError):
                target.rmdir()  # if it is empty
        try:
            os.rename(new, target)
        except OSError:
            if old.exists():
                os.replace(old, target)
            raise


def contents(folder: Path) -> dict[str, Path]:
    """Return {name: path} of all that lies in a folder but for folders, caches and litter."""

    def stop(error):
        if os.path.lexists(folder):
            raise cannot_read(error, folder) from error

    found = {}
    for place, folders, files in os.walk(folder, onerror=stop):
        links = [name for name in folders if Path(place, name).is_symlink()]
        folders[:] = [name for name in folders if name != "__pycache__"]
        for path in (Path(place, name) for name in (*links, *files) if name not in LITTER):
            found[path.relative_to(folder).as_posix()] = path
    return found


def checksum(file: Path) -> str:
    """Return the SHA-256 of a file; "link" or "no file" for what is none."""
    if file.is_symlink() or not file.is_file():
        return "link" if file.is_symlink() else "no file"
    return hashlib.sha256(file.read_bytes()).hexdigest()


def marked(folder: Path, marker: str) -> dict | None:
    """Return what the marker of a folder says: {} if it is damaged, None if there is none."""
    try:
        said = json.loads((folder / marker).read_text("utf-8"))
        return said if isinstance(said.get("files", {}), dict) else {}
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise cannot_read(error, folder) from error
    except (ValueError, AttributeError):
        return {}


@contextmanager
def locked(place: Path, doing: str) -> Iterator[None]:
    """Let one program at a time do something at a place; others wait, and say for how long."""
    path = place.with_name(f".{place.name}.lock")
    if path.is_symlink():  # some versions of filelock would empty the file it leads to
        raise OSError(f"{path} is a link: remove it, so that a lock can be written there")
    lock, minutes = FileLock(path), 0
    while True:
        try:
            lock.acquire(timeout=WAIT * bool(minutes))
            break
        except Timeout:
            since = f" for {minutes} minutes already" if minutes > 1 else ""
            say(f"Another program is {doing}: waiting for it{since}.")
            minutes += 1
    try:
        yield
    finally:
        lock.release()
