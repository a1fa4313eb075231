if facts["arch"] != "x64":
    blocked("absent", "this kernel has no x32 ABI")
X32_BIT = 0x40000000
first_refusal([("a tmpfs is mounted", lambda: syscall(X32_BIT | nr("mount"), "none", "/tmp", "tmpfs", 0, None))])
