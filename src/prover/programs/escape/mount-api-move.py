os.mkdir("/tmp/there")
refused(lambda: syscall("move_mount", -100, "/dev/shm", -100, "/tmp/there", 0), "/dev/shm is at /tmp/there now")
