"""What a guest does to itself before it runs a submission: Landlock, seccomp, limits (Linux).

The zygote makes a :class:`Lockdown` once; each child enters it, and nothing leads out again:

* **own uid**, where the zygote is root's: one for each guest, so that limits count it alone and it
  owns nothing.  It keeps the one capability to read where Python lies in a folder of mode 0700,
  within what Landlock allows.
* **limits** (setrlimit): address space, from what the imports take; threads; descriptors; no file
  may grow, no core is written.
* **Landlock**: it may read Python, its packages and the system's libraries without ours, and what
  was handed in, and write to ``/dev/null``; no TCP, no signal and no abstract socket beyond itself
  where the kernel knows these.
* **seccomp**: a list of the calls that torch, threads and reading need; what else is refused is
  refused with EPERM where honest code may meet it, and with ENOSYS otherwise, so that libraries
  take what they take on older kernels.  Names are libseccomp's, which knows every processor's
  numbers; no table of ours.

Without processes of its own the limits bound a submission whole, and one SIGKILL ends it.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import errno
import fcntl
import importlib
import os
import resource
import signal
import termios
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

__all__ = ["LAYERS", "THREADS", "Lockdown", "follow_the_parent", "hide", "limit_memory"]

LAYERS = ("Landlock", "seccomp", "limits", "own uid", "no capability")
"""What :meth:`Lockdown.enter` may say that it did; the first two are never missing."""

THREADS = 256
"""How many threads a guest may have; without a user of its own, on top of its user's others.

The system limits root's not at all, whatever user root calls itself in a namespace; so the zygote
counts them, too.
"""
_FILES = 128
_UIDS = 0x70000000
"""Where the uids of guests begin: nobody's, and far from those that systems give out."""

_ALLOWED = """
brk mmap munmap mremap mprotect madvise msync membarrier
read pread64 readv preadv write pwrite64 writev pwritev close lseek
close_range stat fstat lstat newfstatat statx access faccessat faccessat2 readlink readlinkat getcwd
chdir fchdir getdents getdents64 dup dup2 dup3 statfs fstatfs umask
poll ppoll select pselect6 epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait
eventfd eventfd2 timerfd_create timerfd_settime timerfd_gettime
futex futex_waitv futex_wake futex_wait futex_requeue set_robust_list get_robust_list rseq
set_tid_address gettid getpid getppid getpgrp getpgid getsid exit exit_group sched_yield
sched_getaffinity sched_getparam sched_getscheduler sched_getattr sched_get_priority_max
sched_get_priority_min getpriority getcpu get_mempolicy
clock_nanosleep nanosleep gettimeofday time times getrusage
alarm pause setitimer getitimer
rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending rt_sigtimedwait rt_sigsuspend sigaltstack
restart_syscall getuid geteuid getgid getegid getresuid getresgid getgroups capget
uname getrandom getrlimit arch_prctl
"""

_DENIED = """
fork vfork execve execveat ptrace process_vm_readv process_vm_writev kcmp
socket socketpair connect bind listen accept accept4 sendto recvfrom sendmsg recvmsg sendmmsg
memfd_create memfd_secret shmget shmat shmctl msgget semget mq_open
unlink unlinkat rmdir rename renameat renameat2 link linkat symlink symlinkat mkdir mkdirat mknod
mknodat creat truncate ftruncate fallocate chmod fchmod fchmodat fchmodat2 chown lchown fchown
fchownat utime utimes utimensat futimesat setxattr lsetxattr fsetxattr removexattr lremovexattr
fremovexattr chroot pivot_root mount umount2 unshare setns sync syncfs
setuid setgid setreuid setregid setresuid setresgid setgroups setfsuid setfsgid capset
setrlimit setpriority sched_setaffinity sched_setscheduler sched_setparam sched_setattr
setsid setpgid tkill rt_sigqueueinfo rt_tgsigqueueinfo pidfd_open pidfd_send_signal pidfd_getfd
reboot sethostname setdomainname syslog personality
pipe pipe2 fadvise64 readahead sysinfo
"""
"""Refused aloud.  All that is in neither list is refused, too, as a call that does not exist.

The last line is what moves or reads counters of the whole machine: numbers of pipes, which pages
of a file are in memory, how many threads there are.  Another submission could read them.
"""

_CLOCKS, _NEGATIVE = ("clock_gettime", "clock_getres"), 0x80000000
_CLONE_THREAD = 0x00010000
_CLONE_NEW = 0x7E020080
"""CLONE_NEWTIME, -NEWNS, -NEWCGROUP, -NEWUTS, -NEWIPC, -NEWUSER, -NEWPID and -NEWNET."""

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_KEEPCAPS = 1, 4, 8
_HARMLESS_PRCTLS = (3, 15, 16, 23, 39, 0x53564D41)
"""PR_GET_DUMPABLE, _SET_NAME, _GET_NAME, _CAPBSET_READ, _GET_NO_NEW_PRIVS, _SET_VMA."""
_CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH = 1, 2
_CAPABILITY_VERSION_3 = 0x20080522


class Lockdown:
    """A lockdown, made once and entered by each guest.

    Args:
        readable: files and folders that may be read, with all that is in them.
        listed: folders that may be listed only, with all that is in them.
        writable: files that may be written to.
        handed_in: folders in which the grader puts what was handed in, for everybody to read.

    Raises:
        OSError, RuntimeError, ImportError: Landlock or seccomp are not to be had here, in words.
    """

    def __init__(
        self,
        readable: Sequence[str],
        listed: Sequence[str],
        writable: Sequence[str],
        handed_in: Sequence[str] = (),
    ) -> None:
        self._seccomp, landlock = _pyseccomp(), _landlock()
        AccessFS, Scope = landlock.AccessFS, landlock.Scope  # noqa: N806 - classes
        if not landlock.abi_version():
            raise OSError("this kernel has no Landlock")
        self._paths = [path for path in (*readable, *listed) if os.path.exists(path)]
        try:
            self._landlock = landlock.Ruleset(scoped=Scope.SIGNAL | Scope.ABSTRACT_UNIX_SOCKET)
            for paths, on_file, on_folder in (
                (readable, AccessFS.READ_FILE, AccessFS.READ_FILE | AccessFS.READ_DIR),
                (handed_in, AccessFS.NONE, AccessFS.READ_FILE | AccessFS.READ_DIR),
                (listed, AccessFS.NONE, AccessFS.READ_DIR),
                (writable, AccessFS.READ_FILE | AccessFS.WRITE_FILE, AccessFS.NONE),
            ):
                for path in paths:
                    with suppress(FileNotFoundError):
                        access = on_folder if os.path.isdir(path) else on_file
                        self._landlock.allow_path(path, access)
        except landlock.LandlockError as error:
            raise OSError(f"Landlock: {error}") from None
        self._threads = THREADS + (0 if os.geteuid() == 0 else _threads_of_user())

    def enter(self, memory_mb: int) -> list[str]:
        """Lock this process down; what was done, of :data:`LAYERS`.

        Args:
            memory_mb: MiB of address space that it may take on top of what it has.
        """
        if len(os.listdir("/proc/self/task")) > 1:
            raise RuntimeError("Landlock would miss the threads that run already")
        done = ["Landlock", "seccomp", "limits"]
        limits = {
            resource.RLIMIT_FSIZE: 0,
            resource.RLIMIT_NOFILE: _FILES,
            resource.RLIMIT_NPROC: self._threads,
        }
        if os.geteuid() == 0:
            done += _drop_root(self._paths)
        limit_memory(memory_mb)
        for kind, most in limits.items():
            _limit(kind, most)
        hide()
        follow_the_parent()  # again: a change of user ends that
        self._landlock.restrict()
        self._landlock.close()
        self._filter().load()
        return done

    def _filter(self) -> Any:
        """The seccomp filter of this process, whose number is in it."""
        s = self._seccomp
        made = s.SyscallFilter(s.ERRNO(errno.ENOSYS))
        made.set_attr(s.Attr.ACT_BADARCH, s.KILL_PROCESS)
        for action, name, arguments in _rules(s, os.getpid()):
            number = s.resolve_syscall(s.Arch.NATIVE, name)
            if number != _UNKNOWN:
                made.add_rule(action, number, *arguments)
        return made


def _rules(s: Any, own: int) -> list[tuple[int, str, list[Any]]]:
    """Action, name and conditions, of a process with the number ``own``."""
    deny = s.ERRNO(errno.EPERM)
    ioctls = [termios.TCGETS, termios.TIOCGWINSZ, termios.FIONREAD, termios.FIOCLEX]
    return [
        *((s.ALLOW, name, []) for name in _ALLOWED.split()),
        *((deny, name, []) for name in _DENIED.split()),
        *((s.ALLOW, name, [s.Arg(0, s.EQ, own)]) for name in ("kill", "tgkill")),
        *((deny, name, [s.Arg(0, s.NE, own)]) for name in ("kill", "tgkill")),
        *((s.ALLOW, "prctl", [s.Arg(0, s.EQ, number)]) for number in _HARMLESS_PRCTLS),
        *((s.ALLOW, "ioctl", [s.Arg(1, s.EQ, number)]) for number in ioctls),
        *((s.ALLOW, "fcntl", [s.Arg(1, s.EQ, number)]) for number in _FCNTLS),
        *_opening(s, deny),
        # A negative clock is another process's.
        *((s.ALLOW, name, [s.Arg(0, s.MASKED_EQ, _NEGATIVE, 0)]) for name in _CLOCKS),
        *((deny, name, [s.Arg(0, s.MASKED_EQ, _NEGATIVE, _NEGATIVE)]) for name in _CLOCKS),
        (s.ALLOW, "prlimit64", [s.Arg(2, s.EQ, 0)]),
        (deny, "prlimit64", [s.Arg(2, s.NE, 0)]),
        (s.ALLOW, "clone", [s.Arg(0, s.MASKED_EQ, _CLONE_THREAD | _CLONE_NEW, _CLONE_THREAD)]),
        (deny, "clone", [s.Arg(0, s.MASKED_EQ, _CLONE_THREAD, 0)]),
    ]


def _opening(s: Any, deny: Any) -> list[tuple[int, str, list[Any]]]:
    """Opening a file may cut it to nothing only where it is opened for writing.

    Cutting without writing asks for no right that Landlock knows before Linux 6.2.
    """
    both = os.O_TRUNC | os.O_ACCMODE
    writing = (os.O_TRUNC | os.O_WRONLY, os.O_TRUNC | os.O_RDWR)
    rules: list[tuple[int, str, list[Any]]] = []
    for name, flags in (("open", 1), ("openat", 2)):
        rules.append((s.ALLOW, name, [s.Arg(flags, s.MASKED_EQ, os.O_TRUNC, 0)]))
        for ways, action in ((writing, s.ALLOW), ((os.O_TRUNC, both), deny)):
            rules += [(action, name, [s.Arg(flags, s.MASKED_EQ, both, way)]) for way in ways]
    return rules


def _landlock() -> Any:
    """The binding to Landlock."""
    return _binding("landlockpy", lambda module: module.abi_version())


def _pyseccomp() -> Any:
    """The binding, which else has ldconfig or gcc look for the library: a namespace has none."""
    find: Any = ctypes.util.find_library
    names = {"c": None, "seccomp": _LIBRARY}
    ctypes.util.find_library = names.__getitem__  # type: ignore[assignment]
    try:
        return _binding("pyseccomp", lambda module: module.SyscallFilter(module.ALLOW))
    finally:
        ctypes.util.find_library = find


def _binding(package: str, tried: Callable[[Any], object]) -> Any:
    """A package, imported and tried.

    Raises:
        ImportError: it or its library is missing or broken; the message says which.
    """
    try:
        module = importlib.import_module(package)
        tried(module)
    except (Exception, SystemExit) as error:  # a broken package may raise anything
        if isinstance(error, ModuleNotFoundError) and error.name == package:
            raise ImportError(f"{package} is not installed") from error
        if isinstance(error, OSError) and _LIBRARY in str(error):
            raise ImportError(f"libseccomp is not installed ({error})") from error
        why = f"{type(error).__name__}: {error}"
        raise ImportError(f"{package} is installed, but cannot be used ({why})") from error
    return module


_LIBRARY = "libseccomp.so.2"

_UNKNOWN = -1
"""libseccomp's word for a name that it does not know, being older than the call."""

_FCNTLS = (
    *(fcntl.F_GETFD, fcntl.F_SETFD, fcntl.F_GETFL, fcntl.F_SETFL),
    *(fcntl.F_DUPFD, fcntl.F_DUPFD_CLOEXEC),
)


def limit_memory(memory_mb: int) -> None:
    """Let this process take so many MiB of address space on top of what it has, and leave no core.

    Nothing keeps a process that is not locked down from taking this back, if it is root's.
    """
    _limit(resource.RLIMIT_AS, _address_space() + memory_mb * 2**20)
    _limit(resource.RLIMIT_CORE, 0)


def _limit(kind: int, most: int) -> None:
    _, hard = resource.getrlimit(kind)
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(kind, (most, most))


def follow_the_parent() -> None:
    """End this process when its parent does, however that ends."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def hide() -> None:
    """Keep other processes of this user from looking into this one's memory."""
    _prctl(_PR_SET_DUMPABLE, 0)


def _drop_root(paths: Sequence[str]) -> list[str]:
    """Become a user of no name; without a user to become, root without a capability."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    # Effective, permitted and inheritable, for the first 32 capabilities and for the others.
    data = (ctypes.c_uint32 * 6)()
    _checked("capget", ctypes.byref(header), ctypes.byref(data))
    # Either lets it read where only root may: containers often leave root the second alone.
    read = next((1 << c for c in (_CAP_DAC_READ_SEARCH, _CAP_DAC_OVERRIDE) if data[1] >> c & 1), 0)
    layers, kept = ["no capability"], 0
    if read or all(map(_for_all, paths)):
        for uid in (_UIDS + os.getpid(), 65534):
            with suppress(OSError):  # a container that maps fewer users
                _become(uid)
                layers = ["own uid"]
                kept = 0 if all(os.access(path, os.R_OK) for path in paths) else read
                break
    data[:] = [kept, kept, 0, 0, 0, 0]
    _checked("capset", ctypes.byref(header), ctypes.byref(data))
    return layers


def _become(uid: int) -> None:
    """Another user, who keeps what capabilities may be taken up again."""
    _prctl(_PR_SET_KEEPCAPS, 1)
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)


def _for_all(path: str) -> bool:
    """Whether permissions let everybody reach and read it."""
    whole = os.path.realpath(path)
    above = [os.path.join(os.sep, *whole.split(os.sep)[:n]) for n in range(whole.count(os.sep))]
    need = 0o5 if os.path.isdir(whole) else 0o4
    reached = all(os.stat(folder).st_mode & 0o1 for folder in above)
    return reached and os.stat(whole).st_mode & need == need


def _prctl(option: int, value: int) -> None:
    _checked("prctl", option, ctypes.c_ulong(value), *[ctypes.c_ulong(0)] * 3)


def _checked(name: str, *arguments: Any) -> None:
    if getattr(ctypes.CDLL(None, use_errno=True), name)(*arguments) != 0:
        raise OSError(ctypes.get_errno(), f"{name} failed")


def _address_space() -> int:
    """The bytes of address space that this process has."""
    with open("/proc/self/statm", "rb") as file:
        return int(file.read().split()[0]) * resource.getpagesize()


def _threads_of_user() -> int:
    """How many threads all processes of this user have together."""
    count = 0
    for name in filter(str.isdigit, os.listdir("/proc")):
        with suppress(OSError):
            if os.stat(f"/proc/{name}").st_uid == os.getuid():
                count += len(os.listdir(f"/proc/{name}/task"))
    return count
