refused(lambda: syscall("fsopen", "tmpfs", 0), "a file system context is open")
