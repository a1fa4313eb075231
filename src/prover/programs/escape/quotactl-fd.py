let_through(lambda: syscall("quotactl_fd", -1, 0x800001 << 8, 0, None), ["EBADF"], "quotactl_fd is let through")
