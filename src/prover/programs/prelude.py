"""Comes before every program of the suite. A program ends by blocked(...) or escaped(...).

Names for programs: facts, libc, errno, os, sys, signal, socket, struct, time, ctypes, nr, syscall, attempt,
in_child, refused, first_refusal, let_through, runs, found, holds, blocked, escaped, nothing, buffer, read, open_for_write.
"""
import ctypes
import errno
import json
import os
import signal
import socket
import struct
import sys
import time

facts = json.loads(sys.argv[1])
libc = ctypes.CDLL(None, use_errno=True)

# From the kernel's own tables: arch/x86/entry/syscalls/syscall_64.tbl and scripts/syscall.tbl (arm64).
_numbers = {"x64": 0, "arm64": 1}[facts["arch"]]
_calls = {
    "read": (0, 63), "write": (1, 64), "mmap": (9, 222), "ioctl": (16, 29), "sendfile": (40, 71), "clone": (56, 220),
    "mlock": (149, 228), "mlockall": (151, 230), "ptrace": (101, 117), "syslog": (103, 116), "setuid": (105, 146), "setgid": (106, 144),
    "setgroups": (116, 159), "setresuid": (117, 147), "personality": (135, 92), "pivot_root": (155, 41), "prctl": (157, 167),
    "adjtimex": (159, 171), "chroot": (161, 51), "acct": (163, 89), "settimeofday": (164, 170), "mount": (165, 40),
    "umount2": (166, 39), "swapon": (167, 224), "swapoff": (168, 225), "reboot": (169, 142), "sethostname": (170, 161),
    "setdomainname": (171, 162), "iopl": (172, None), "ioperm": (173, None), "init_module": (175, 105),
    "delete_module": (176, 106), "quotactl": (179, 60), "setxattr": (188, 5), "lookup_dcookie": (212, 18),
    "timer_create": (222, 107), "clock_settime": (227, 112), "mbind": (237, 235), "set_mempolicy": (238, 237),
    "mq_open": (240, 180), "kexec_load": (246, 104), "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219),
    "inotify_init1": (294, 26), "inotify_add_watch": (254, 27), "migrate_pages": (256, 238), "mknodat": (259, 33), "unshare": (272, 97),
    "splice": (275, 76), "tee": (276, 77), "vmsplice": (278, 75), "move_pages": (279, 239), "perf_event_open": (298, 241),
    "fanotify_init": (300, 262), "fanotify_mark": (301, 263), "name_to_handle_at": (303, 264), "open_by_handle_at": (304, 265),
    "clock_adjtime": (305, 266), "setns": (308, 268), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "kcmp": (312, 272), "finit_module": (313, 273), "seccomp": (317, 277), "memfd_create": (319, 279),
    "kexec_file_load": (320, 294), "bpf": (321, 280), "execveat": (322, 281), "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427), "open_tree": (428, 428), "move_mount": (429, 429), "fsopen": (430, 430),
    "fsconfig": (431, 431), "fsmount": (432, 432), "fspick": (433, 433), "pidfd_open": (434, 434), "clone3": (435, 435),
    "openat2": (437, 437), "pidfd_getfd": (438, 438), "process_madvise": (440, 440), "mount_setattr": (442, 442),
    "quotactl_fd": (443, 443), "memfd_secret": (447, 447), "futex_waitv": (449, 449), "set_mempolicy_home_node": (450, 450),
    "statmount": (457, 457), "listmount": (458, 458), "lsm_set_self_attr": (460, 460), "open_tree_attr": (467, 467),
    "shmget": (29, 194), "shmat": (30, 196), "shmctl": (31, 195), "semget": (64, 190), "msgget": (68, 186), "msgsnd": (69, 189),
    "sysfs": (139, None), "uselib": (134, None), "modify_ldt": (154, None), "vhangup": (153, 58), "nfsservctl": (180, 42),
    "capset": (126, 91), "setpriority": (141, 140), "sched_setscheduler": (144, 119), "sched_setattr": (314, 274),
    "ioprio_set": (251, 30), "sched_setaffinity": (203, 122), "prlimit64": (302, 261), "setrlimit": (160, 164),
    "futex": (202, 98), "arch_prctl": (158, None), "sendto": (44, 206), "get_mempolicy": (239, 236),
    "remap_file_pages": (216, 234), "process_mrelease": (448, 448), "landlock_create_ruleset": (444, 444),
    "landlock_add_rule": (445, 445), "landlock_restrict_self": (446, 446), "socket": (41, 198), "mincore": (27, 232),
    "cachestat": (451, 451), "madvise": (28, 233), "fcntl": (72, 25), "syncfs": (306, 267),
}


def nr(name):
    """Returns the number of a system call on this machine; if the machine never had it, the program ends as blocked."""
    number = _calls[name][_numbers]
    if number is None:
        blocked("absent", name + " is not a system call of this architecture")
    return number


def syscall(name, *args):
    """Makes a call by its name or number: returns its result or raises OSError. Integers, bytes, ctypes objects, None."""
    ctypes.set_errno(0)
    number = name if isinstance(name, int) else nr(name)
    value = libc.syscall(ctypes.c_long(number), *[_argument(a) for a in args])
    if value < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return value


def _argument(value):
    if value is None:
        return ctypes.c_void_p(0)
    if isinstance(value, int):
        return ctypes.c_ulong(value & (2**64 - 1))
    if isinstance(value, str):
        return ctypes.c_char_p(value.encode())
    if isinstance(value, bytes):
        return ctypes.c_char_p(value)
    return value


libc.syscall.restype = ctypes.c_long


def buffer(size_or_bytes):
    """Allocates memory that a call can read and write; pass it to syscall()."""
    return ctypes.create_string_buffer(size_or_bytes)


def _say(line):
    sys.stdout.flush()
    os.write(1, ("\n" + line.replace("\n", " ")[:400] + "\n").encode())
    os._exit(0)


def errno_name(number):
    """Returns the name from errno(3); where one number has two names, the one that manual pages use."""
    names = {errno.EAGAIN: "EAGAIN", errno.EOPNOTSUPP: "EOPNOTSUPP", errno.EDEADLK: "EDEADLK"}
    return names.get(number) or errno.errorcode.get(number, "E" + str(number))


def blocked(answer, detail=""):
    """Ends the program: the answer was an errno (number or name), an OSError, or killed, absent, limit, frozen, signal or refused."""
    if isinstance(answer, OSError):
        detail = detail or str(answer.strerror)
        answer = answer.errno
    if isinstance(answer, int):
        answer = errno_name(answer)
    _say("BLOCKED " + answer + " " + detail)


def escaped(evidence):
    """Ends the program: it reached something that must be out of reach."""
    _say("ESCAPED " + str(evidence))


def nothing(why):
    """Ends the program: it can't get through here in any sandbox, so a failure proves nothing."""
    _say("NOTHING " + why)


def holds(**what):
    """Tells the host on one line what is held here, and holds it for a minute or until this sandbox ends."""
    os.write(1, ("HOLDS " + json.dumps(what) + "\n").encode())
    time.sleep(60)
    os._exit(0)


def attempt(action):
    """Returns 'ok', or the name of the errno of a failure."""
    try:
        action()
        return "ok"
    except OSError as error:
        return errno_name(error.errno)


def refused(action, evidence):
    """The usual program: tries once, and reports the answer. The suite sees an end by SIGSYS from outside."""
    try:
        action()
    except OSError as error:
        blocked(error)
    escaped(evidence)


def in_child(action):
    """Tries in a child process: returns 'ok', an errno's name, or the name of the signal that ended it (SIGSYS)."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        try:
            os.write(writer, attempt(action).encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as file:
        said = file.read().decode()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return signal.Signals(os.WTERMSIG(status)).name
    return said or "no answer"


def first_refusal(attempts):
    """Tries several ways to the same end, [(label, action)], each in a child. The first that works is an escape."""
    answers = []
    for label, action in attempts:
        answer = in_child(action)
        if answer == "ok":
            escaped(label)
        answers.append((label, answer))
    told = ", ".join(label + ": " + answer for label, answer in answers)
    first = answers[0][1]
    blocked("killed" if first == "SIGSYS" else "signal" if first.startswith("SIG") else first, told)


def read(path, size=4096):
    """Returns the start of a file as bytes; raises OSError when it can't be read."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        return os.read(descriptor, size)
    finally:
        os.close(descriptor)


def open_for_write(path):
    """Opens and closes a file without writing, because it may be the host's."""
    os.close(os.open(path, os.O_WRONLY | os.O_CLOEXEC | os.O_NONBLOCK))


def let_through(action, told_by, evidence):
    """
    For calls that would change the host if they succeeded: they are made wrongly, so that an errno of `told_by`
    can only come after the check of the rights.
    """
    try:
        action()
    except OSError as error:
        name = errno_name(error.errno)
        if name in told_by:
            escaped(evidence + " (the kernel got as far as " + name + ")")
        blocked(error)
    escaped(evidence)


def runs(start, evidence):
    """`start` makes a child execute a program that must not run; the program ends with 42."""
    # A successful exec closes it, so only the errno of a failed exec arrives.
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            start()
        except OSError as error:
            os.write(writer, errno_name(error.errno).encode())
        os._exit(255)
    os.close(writer)
    said = os.read(reader, 64).decode()
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    if said:
        blocked(said)
    if code == 42:
        escaped(evidence)
    if code < 0:
        blocked("killed" if -code == signal.SIGSYS else "signal", signal.Signals(-code).name)
    blocked("refused", "the program ended with " + str(code))


def found(paths, action, evidence):
    """Tries `action(path)` on the paths that exist. The first that works is an escape."""
    refusals = []
    for place in paths:
        if not os.path.lexists(place):
            continue
        answer = attempt(lambda: action(place))
        if answer == "ok":
            escaped(evidence + ": " + place)
        if answer not in ("ENOENT", "ENXIO", "ENODEV", "ENOTDIR"):
            refusals.append((place, answer))
    if refusals:
        blocked(refusals[0][1], ", ".join(place + ": " + answer for place, answer in refusals))
    blocked("absent", "no " + " or ".join(paths))

