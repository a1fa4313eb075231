os.mkdir("/tmp/proc")
refused(lambda: syscall("mount", "proc", "/tmp/proc", "proc", 0, None), "a fresh /proc shows " + str(len(os.listdir("/proc"))) + " entries")
