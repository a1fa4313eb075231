"""Runs inside a sandbox and tries what must fail. Prints one JSON object: check -> [held, evidence].

It proves nothing by reading versions: every check makes the call, opens the file or fills the disk.
"""
import ctypes
import errno
import fcntl
import json
import os
import resource
import signal
import socket
import sys
import time

host = json.loads(sys.argv[1])
libc = ctypes.CDLL(None, use_errno=True)
calls = host["calls"]
results = {}


def call(name, *args):
    ctypes.set_errno(0)
    value = libc.syscall(ctypes.c_long(calls[name]), *[ctypes.c_ulong(a) for a in args])
    if name == "clone" and value == 0:
        # The call succeeded although it must fail; this is its child.
        os._exit(0)
    return "ok" if value >= 0 else errno.errorcode.get(ctypes.get_errno(), "?")


def dies(name, *args):
    """Returns the signal that ends a child after the call, or the answer to the call."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        answer = call(name, *args)
        os._exit(0 if answer == "ok" else 1)
    _, status = os.waitpid(child, 0)
    return signal.Signals(os.WTERMSIG(status)).name if os.WIFSIGNALED(status) else "survived"


def attempt(action):
    try:
        action()
        return "ok"
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error.errno))


def start(program):
    """Starts a program; returns an errno, or ok when it ran."""
    child = os.fork()
    if child == 0:
        try:
            os.execv(program, [program])
        except OSError as error:
            os._exit(error.errno)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    return "ok" if code == 0 else errno.errorcode.get(code, str(code))


def record(check, held, evidence):
    results[check] = [bool(held), evidence]


def status_field(name):
    with open("/proc/self/status") as file:
        for line in file:
            if line.startswith(name + ":"):
                return line.split(":", 1)[1].strip()
    return "absent"


def namespaces():
    kinds = {"pid": "pid", "mnt": "mount", "ipc": "ipc", "uts": "uts", "cgroup": "cgroup", "time": "time", "net": "network", "user": "user"}
    for kind, name in kinds.items():
        mine = os.readlink("/proc/self/ns/" + kind)
        record(name + "-namespace", mine != host["namespaces"].get(kind), f"{mine}, host {host['namespaces'].get(kind)}")
    first = int(open("/proc/self/uid_map").read().split()[1])
    root_owner = os.stat("/").st_uid
    record("user-namespace", results["user-namespace"][0] and first >= 2**30 and root_owner == 65534,
           f"uid {os.getuid()} is {first + os.getuid()} outside; the image's root is user {root_owner} here")
    foreign = [p for p in os.listdir("/proc") if p.isdigit() and int(p) > 1000]
    record("pid-namespace", results["pid-namespace"][0] and os.getpid() < 100 and not foreign,
           f"pid {os.getpid()}, {len([p for p in os.listdir('/proc') if p.isdigit()])} processes in /proc")
    setns, mount = dies("setns", 0, 0), dies("mount", 0, 0, 0, 0, 0)
    record("mount-namespace", results["mount-namespace"][0] and setns == mount == "SIGSYS" and not os.path.exists(host["secret"]),
           f"mount and setns end in {mount} and {setns}; {host['secret']} of the host doesn't exist")
    renamed = call("sethostname", id(b""), 0)
    record("uts-namespace", results["uts-namespace"][0] and socket.gethostname() == host["hostname"] and renamed == "EPERM",
           f"host name {socket.gethostname()}; sethostname: {renamed}")


def network():
    names = [name for _, name in socket.if_nameindex()]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        outside = attempt(lambda: probe.connect(("192.0.2.1", 9)))
    raw = attempt(lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1))
    packet = attempt(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 3))
    record("network-namespace", results["network-namespace"][0] and names == ["lo"] and outside == "ENETUNREACH" and raw == packet == "EPERM",
           f"interfaces {names}; connect outside: {outside}; raw socket: {raw}; packet socket: {packet}")


def seccomp():
    new_user = 0x10000000 | signal.SIGCHLD
    # The family in the low half, garbage above it: the kernel would see AF_VSOCK.
    tricked = call("socket", (1 << 32) | 40, 1, 0)
    found = {
        "io_uring_setup": call("io_uring_setup", 1, 0),
        "clone3": call("clone3", 0, 0),
        "memfd_create": call("memfd_create", 0, 0),
        "clone(NEWUSER)": call("clone", new_user, 0, 0, 0, 0),
        "socket(VSOCK|2^32)": tricked,
        "socket(ALG)": call("socket", 38, 5, 0),
        "ioctl(TIOCSTI)": call("ioctl", 0, 0x5412, 0),
    }
    wanted = {"io_uring_setup": "ENOSYS", "clone3": "ENOSYS"}
    killed = {name: dies(name, 0, 0, 0, 0, 0) for name in host["tripwires"]}
    survivors = [name for name, end in killed.items() if end != "SIGSYS"]
    held = all(answer == wanted.get(name, "EPERM") for name, answer in found.items())
    record("seccomp", held and not survivors and status_field("Seccomp") == "2",
           ", ".join(f"{name}: {answer}" for name, answer in found.items())
           + (f"; {len(killed)} tripwires end in SIGSYS" if not survivors else f"; not killed by {survivors}"))


def privileges():
    sets = {name: status_field(name) for name in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"]}
    chown = attempt(lambda: os.chown("/tmp", 0, 0))
    record("no-capabilities", all(int(v, 16) == 0 for v in sets.values()) and chown == "EPERM", f"all five sets are 0; chown /tmp: {chown}")
    nnp = status_field("NoNewPrivs")
    record("no-new-privileges", nnp == "1", f"NoNewPrivs {nnp}")
    wanted = {name: value for name, value in host["rlimits"].items() if hasattr(resource, name)}
    wrong = [name for name, value in wanted.items() if resource.getrlimit(getattr(resource, name)) != (value, value)]
    opened = []
    many = attempt(lambda: [opened.append(os.dup(0)) for _ in range(wanted["RLIMIT_NOFILE"] + 1)])
    count = len(opened)
    for descriptor in opened:
        os.close(descriptor)
    record("resource-limits", not wrong and many == "EMFILE", f"{len(wanted)} limits as set; open file {count + 4}: {many}")


def files():
    root = attempt(lambda: os.mkdir("/probe"))
    own = attempt(lambda: open(sys.executable, "r+b").close())
    code = attempt(lambda: open("/fn/probe", "w").close())
    record("read-only-root", root in ("EROFS", "EACCES") and own in ("EROFS", "EACCES", "ETXTBSY") and code in ("EROFS", "EACCES"),
           f"mkdir /probe: {root}; write {sys.executable}: {own}; write /fn: {code}")
    devices = sorted(name for name in os.listdir("/dev") if not os.path.islink("/dev/" + name))
    node = call("mknod" if "mknod" in calls else "mknodat", id(b""), 0o020666, 259)
    known = ["full", "null", "random", "shm", "tty", "urandom", "zero"]
    record("minimal-dev", set(devices) <= set(known) and node == "EPERM" and not os.path.exists("/sys/kernel"),
           f"/dev has {', '.join(devices)}; mknod: {node}; no /sys")
    secrets = ["kcore", "kallsyms", "keys", "sysrq-trigger", "timer_list", "sched_debug", "modules", "interrupts"]
    readable = [name for name in secrets if attempt(lambda: read_some("/proc/" + name)) == "ok"]
    sysctl = attempt(lambda: open("/proc/sys/kernel/core_pattern", "w").close())
    record("hidden-proc", not readable and sysctl != "ok", f"{len(secrets)} files of /proc hidden; write core_pattern: {sysctl}")
    comm = attempt(lambda: open("/proc/self/comm", "w").close())
    open("/tmp/probe", "w").close()
    record("landlock", comm == "EACCES", f"write of its own /proc/self/comm: {comm}; write in /tmp: ok")


def read_some(path):
    with open(path, "rb") as file:
        if file.read(64) == b"":
            raise OSError(errno.ENODATA, "empty")


def tmpfs():
    path, size, inodes = host["tmpfs"]["path"], host["tmpfs"]["sizeBytes"], host["tmpfs"]["inodes"]
    written = 0
    with open(path + "/big", "wb", buffering=0) as file:
        full = attempt(lambda: None)
        try:
            while written <= size:
                written += file.write(b"x" * 65536)
        except OSError as error:
            full = errno.errorcode[error.errno]
    os.unlink(path + "/big")
    made = []
    many = attempt(lambda: [made.append(os.close(os.open(f"{path}/{i}", os.O_CREAT | os.O_WRONLY))) for i in range(inodes + 1)])
    for i in range(len(made)):
        os.unlink(f"{path}/{i}")
    with open(path + "/run", "w") as file:
        file.write("#!" + sys.executable + "\n")
    os.chmod(path + "/run", 0o700)
    run = start(path + "/run")
    record("tmpfs-limit", full == "ENOSPC" and written <= size and many == "ENOSPC" and run == "EACCES",
           f"{path}: {full} after {written // 1024} KiB, {many} after {len(made)} files; run a program from it: {run}")


def lsm():
    """What the label says is believed only together with a refusal that no other control would give."""
    label = open("/proc/self/attr/current").read().strip("\0\n") if host["lsm"] else ""
    if host["lsm"] == "apparmor":
        named, mode = label.rsplit(" ", 1) if " " in label else (label, "")
        held, said = named == host["named"] and mode == "(enforce)", ""
        if host["named"] == "auto":
            memory = attempt(lambda: open("/proc/self/mem", "rb").close())
            with open(sys.executable, "rb") as file:
                lock = attempt(lambda: fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB))
            held = named.startswith("ward.") and mode == "(enforce)" and memory == lock == "EACCES"
            said = f"; its own /proc/self/mem: {memory}; lock a file of the image: {lock}"
        record("apparmor", held, f"runs as {label}{said}")
    if host["lsm"] == "selinux":
        held, said = label.startswith(host["named"]), ""
        if host["named"] == "auto":
            foreign = attempt(lambda: open("/fn/foreign").close())
            pair = label.split(":")[4:]
            held = label.split(":")[2] == "container_t" and len(pair) == 1 and pair[0].count(",") == 1 and foreign == "EACCES"
            said = f"; a file of another pair of categories: {foreign}"
        record("selinux", held, f"runs as {label}{said}")


for check in (namespaces, network, seccomp, privileges, files, tmpfs, lsm):
    try:
        check()
    except Exception as error:
        record(check.__name__, False, f"the probe failed: {error!r}")
print(json.dumps(results))
