child = os.fork()
if child == 0:
    signal.pause()
PTRACE_SEIZE = 0x4206
refused(lambda: syscall("ptrace", PTRACE_SEIZE, child, 0, 0), "a child is traced")
