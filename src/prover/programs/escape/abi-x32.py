if facts["arch"] != "x64":
    blocked("absent", "this kernel has no x32 ABI")
X32_BIT, GETPID = 0x40000000, 39
first_refusal([("getpid of the x32 ABI has answered", lambda: syscall(X32_BIT | GETPID))])
