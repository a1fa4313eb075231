"""Tries what only an LSM refuses. Prints one JSON object: operation -> "ok" or the name of an errno."""
import ctypes
import errno
import fcntl
import json
import mmap
import os
import sys
import time


def read(path):
    with open(path, "rb", buffering=0) as file:
        file.read(64)


def read_own_memory():
    """A variable of its own, through the file of its memory."""
    value = ctypes.create_string_buffer(b"kept")
    with open("/proc/self/mem", "rb", buffering=0) as file:
        file.seek(ctypes.addressof(value))
        assert file.read(4) == b"kept"


def open_memory_of_child():
    child = os.fork()
    if child == 0:
        time.sleep(30)
        os._exit(0)
    try:
        open(f"/proc/{child}/mem", "rb", buffering=0).close()
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)


def with_image_file(lock):
    with open(sys.executable, "rb") as file:
        lock(file)


def map_device():
    with open("/dev/zero", "r+b", buffering=0) as file:
        mmap.mmap(file.fileno(), 4096, prot=mmap.PROT_READ, flags=mmap.MAP_PRIVATE).close()


def run_tool():
    _, status = os.waitpid(os.posix_spawn("/fn/tool", ["true"], {}), 0)
    assert status == 0


operations = {
    "read /proc/self/mem": read_own_memory,
    "open /proc/CHILD/mem": open_memory_of_child,
    "read /proc/self/pagemap": lambda: read("/proc/self/pagemap"),
    "read /proc/self/syscall": lambda: read("/proc/self/syscall"),
    "read /proc/self/numa_maps": lambda: read("/proc/self/numa_maps"),
    "read /proc/self/mountstats": lambda: read("/proc/self/mountstats"),
    "flock a file of the image": lambda: with_image_file(lambda file: fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)),
    "lock a range of a file of the image": lambda: with_image_file(lambda file: fcntl.lockf(file, fcntl.LOCK_SH | fcntl.LOCK_NB)),
    "map a device": map_device,
    "read /fn/foreign": lambda: read("/fn/foreign"),
    "read /fn/home": lambda: read("/fn/home"),
    "read /fn/shadow": lambda: read("/fn/shadow"),
    "run /fn/tool": run_tool,
}


def attempt(action):
    try:
        action()
        return "ok"
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error.errno))


label = open("/proc/self/attr/current").read().strip("\0\n")
print(json.dumps({"label": label, **{name: attempt(operations[name]) for name in json.loads(sys.argv[1])}}))
