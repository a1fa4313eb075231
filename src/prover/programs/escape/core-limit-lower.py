RLIMIT_CORE, none = 4, struct.pack("QQ", 0, 0)
first_refusal([("lowered by setrlimit", lambda: syscall("setrlimit", RLIMIT_CORE, none)),
               ("lowered by prlimit", lambda: syscall("prlimit64", 0, RLIMIT_CORE, none, None)),
               ("lowered for process 1", lambda: syscall("prlimit64", 1, RLIMIT_CORE, none, None)),
               ("lowered behind high bits", lambda: syscall("prlimit64", 0, 1 << 32 | RLIMIT_CORE, none, None)),
               ("lowered behind high bits by setrlimit", lambda: syscall("setrlimit", 1 << 32 | RLIMIT_CORE, none))])
