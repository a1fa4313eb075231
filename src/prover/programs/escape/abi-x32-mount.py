if facts["arch"] != "x64":
    blocked("absent", "there is no x32 here")
X32_BIT = 0x40000000
first_refusal([("a tmpfs is mounted", lambda: syscall(X32_BIT | nr("mount"), "none", "/tmp", "tmpfs", 0, None))])
