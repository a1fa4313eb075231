let_through(lambda: syscall("process_mrelease", os.pidfd_open(1), 0), ["EINVAL"], "process_mrelease is let through")
