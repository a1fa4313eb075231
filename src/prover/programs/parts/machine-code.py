"""Runs x86-64 machine code in a child, whose end shows the result."""
import mmap
if facts["arch"] != "x64":
    blocked("absent", "these instructions reach no second ABI")
def run(code):
    MAP_32BIT = 0x40
    memory = mmap.mmap(-1, 4096, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | MAP_32BIT, mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    memory.write(code(start))
    child = os.fork()
    if child == 0:
        value = ctypes.CFUNCTYPE(ctypes.c_long)(start)()
        os._exit(42 if value > 0 else min(-value, 41))
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)
def judge(code, evidence, let_through=42):
    end = run(code)
    if end in (42, let_through):
        escaped(evidence)
    if end < 0:
        blocked("killed" if -end == signal.SIGSYS else "signal", signal.Signals(-end).name)
    blocked(end if end in errno.errorcode else "refused", "answered " + str(end))
