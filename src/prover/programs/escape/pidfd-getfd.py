first_refusal([("a child has taken descriptor 0 of process 1", lambda: syscall("pidfd_getfd", os.pidfd_open(1), 0, 0))])
