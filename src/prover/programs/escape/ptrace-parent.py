PTRACE_SEIZE = 0x4206
first_refusal([("a child traces process 1", lambda: syscall("ptrace", PTRACE_SEIZE, 1, 0, 0))])
