MS_REC, MS_SHARED = 16384, 1 << 20
refused(lambda: syscall("mount", None, "/", None, MS_REC | MS_SHARED, None), "the mounts propagate")
