"""Starts a program under the restrictions of a systemd unit: `python sandbox.py UNIT STATE PROGRAM ARGUMENT…`.

systemd itself cannot run in every test, so its means are used by hand: system calls by the lists of `systemd-analyze
syscall-filter`, memory that is never writable and executable at once, address families, namespaces, no capabilities and
no new privileges, and, where the caller may mount, a file system that is read-only but for the folder STATE and a
/proc without anything but processes. Each is taken from the unit. A dynamic user, private users and credentials are not
had so.
"""

import ctypes
import errno
import os
import resource
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from ctypes.util import find_library
from pathlib import Path

_ALLOW = 0x7FFF0000
_ERRNO = 0x00050000
_NE, _LT, _EQ, _GT, _MASKED = 1, 2, 4, 6, 7
_PROT_WRITE, _PROT_EXEC, _SHM_EXEC = 2, 4, 0o100000
_NAMESPACES = (0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000)
_PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS = 24, 38
_CLONE_NEWNS, _MS_BIND, _MS_REC, _MS_PRIVATE, _MS_PROC = 0x20000, 4096, 16384, 1 << 18, 2 | 4 | 8
_MOUNT_SETATTR, _AT_FDCWD, _AT_RECURSIVE, _RDONLY = 442, -100, 0x8000, 1

_libc = ctypes.CDLL(None, use_errno=True)


class _Comparison(ctypes.Structure):
    """`struct scmp_arg_cmp`."""

    _fields_ = (
        ("arg", ctypes.c_uint),
        ("op", ctypes.c_uint),
        ("a", ctypes.c_uint64),
        ("b", ctypes.c_uint64),
    )


class Filter:
    """A filter of system calls (libseccomp): what to do with any, and with some otherwise."""

    _lib = ctypes.CDLL(find_library("seccomp") or "libseccomp.so.2")
    _lib.seccomp_init.restype = ctypes.c_void_p

    def __init__(self, default: int) -> None:
        self._context = ctypes.c_void_p(self._lib.seccomp_init(ctypes.c_uint32(default)))

    def rule(self, action: int, call: str, *comparisons: tuple[int, int, int, int]) -> None:
        """Do this with a call, when its arguments compare so; one that this machine does not have is passed over."""
        number = self._lib.seccomp_syscall_resolve_name(call.encode())
        if number < 0:
            return
        array = (_Comparison * len(comparisons))(*(_Comparison(*each) for each in comparisons))
        failed = self._lib.seccomp_rule_add_array(
            self._context, ctypes.c_uint32(action), number, len(comparisons), array
        )
        assert not failed, (call, failed)

    def load(self) -> None:
        """Have it hold from now on."""
        failed = self._lib.seccomp_load(self._context)
        assert not failed, failed


def service(unit: Path) -> dict[str, list[str]]:
    """The settings under [Service], each with its values in their order."""
    found: dict[str, list[str]] = {}
    lines = unit.read_text(encoding="utf-8").partition("[Service]\n")[2].partition("\n[")[0].splitlines()
    for line in lines:
        if line and not line.startswith("#"):
            key, _, value = line.partition("=")
            found.setdefault(key, []).append(value)
    return found


def system_calls(values: Sequence[str]) -> set[str]:
    """What SystemCallFilter= allows: the first value names what, each later one with a `~` takes some away."""
    groups: dict[str, list[str]] = {}
    members: list[str] = []
    listed = subprocess.run(["systemd-analyze", "syscall-filter"], capture_output=True, text=True, check=True).stdout
    for line in listed.splitlines():
        if line.startswith("@"):
            members = groups.setdefault(line.strip(), [])
        elif line.startswith("    ") and not line.strip().startswith("#"):
            members.append(line.strip())

    def calls(names: Sequence[str]) -> set[str]:
        return {call for name in names for call in (calls(groups[name]) if name in groups else {name})}

    allowed = calls(values[0].split())
    for value in values[1:]:
        assert value.startswith("~"), value
        allowed -= calls(value[1:].split())
    return allowed


def restrict(settings: Mapping[str, Sequence[str]]) -> None:
    """Forbid this process, and what it starts, what the unit forbids."""
    if settings["MemoryDenyWriteExecute"] == ["yes"]:
        both = _PROT_WRITE | _PROT_EXEC
        memory = Filter(_ALLOW)
        memory.rule(_ERRNO | errno.EPERM, "mmap", (2, _MASKED, both, both))
        for call in ("mprotect", "pkey_mprotect"):
            memory.rule(_ERRNO | errno.EPERM, call, (2, _MASKED, _PROT_EXEC, _PROT_EXEC))
        memory.rule(_ERRNO | errno.EPERM, "shmat", (2, _MASKED, _SHM_EXEC, _SHM_EXEC))
        memory.load()
    if settings["RestrictNamespaces"] == ["yes"]:
        namespaces = Filter(_ALLOW)
        for flag in _NAMESPACES:
            namespaces.rule(_ERRNO | errno.EPERM, "clone", (0, _MASKED, flag, flag))
            namespaces.rule(_ERRNO | errno.EPERM, "unshare", (0, _MASKED, flag, flag))
        namespaces.rule(_ERRNO | errno.EPERM, "setns")
        namespaces.rule(_ERRNO | errno.ENOSYS, "clone3")
        namespaces.load()
    families = sorted(getattr(socket, name) for name in settings["RestrictAddressFamilies"][0].split())
    sockets = Filter(_ALLOW)
    sockets.rule(_ERRNO | errno.EAFNOSUPPORT, "socket", (0, _GT, families[-1], 0))
    for family in set(range(families[-1])) - set(families):
        sockets.rule(_ERRNO | errno.EAFNOSUPPORT, "socket", (0, _EQ, family, 0))
    sockets.load()
    denied = _ERRNO | getattr(errno, settings["SystemCallErrorNumber"][0])
    everything = Filter(denied)
    for call in sorted(system_calls(settings["SystemCallFilter"])):
        everything.rule(_ALLOW, call)
    everything.load()


def mount(settings: Mapping[str, Sequence[str]], state: str) -> None:
    """Have a file system of one's own, read-only but for one folder; without the right to do that nothing changes."""
    if settings["ProtectSystem"] != ["strict"] or _libc.unshare(_CLONE_NEWNS):
        return
    _call("mount", None, b"/", None, ctypes.c_ulong(_MS_REC | _MS_PRIVATE), None)
    _call("mount", state.encode(), state.encode(), None, ctypes.c_ulong(_MS_BIND), None)
    if settings["ProcSubset"] == ["pid"]:
        _call("mount", b"proc", b"/proc", b"proc", ctypes.c_ulong(_MS_PROC), b"subset=pid")
    _make_read_only("/", True, _AT_RECURSIVE)
    for writable in (state, "/dev"):
        _make_read_only(writable, False)


def _make_read_only(path: str, read_only: bool, flags: int = 0) -> None:
    attributes = (ctypes.c_uint64 * 4)(*((_RDONLY, 0) if read_only else (0, _RDONLY)))  # set, cleared
    _call("syscall", _MOUNT_SETATTR, _AT_FDCWD, path.encode(), flags, attributes, ctypes.c_size_t(32))


def drop_capabilities() -> None:
    """Have none from the next program on (capabilities(7))."""
    _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    for capability in range(64):
        _libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)


def _call(name: str, *arguments: object) -> None:
    if getattr(_libc, name)(*arguments):
        number = ctypes.get_errno()
        raise OSError(number, f"{name}{arguments}: {os.strerror(number)}")


def main() -> None:
    """Become the program."""
    unit, state, *program = sys.argv[1:]
    settings = service(Path(unit))
    mount(settings, state)
    resource.setrlimit(resource.RLIMIT_CORE, (int(settings["LimitCORE"][0]),) * 2)
    os.umask(int(settings["UMask"][0], 8))
    drop_capabilities()
    restrict(settings)
    os.execvp(program[0], program)


if __name__ == "__main__":
    main()
