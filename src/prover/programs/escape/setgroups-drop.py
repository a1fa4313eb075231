refused(lambda: syscall("setgroups", 0, None), "all supplementary groups are left")
