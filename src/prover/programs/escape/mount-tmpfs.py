refused(lambda: syscall("mount", "none", "/tmp", "tmpfs", 0, None), "a tmpfs of its own is mounted over /tmp")
