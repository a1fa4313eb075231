refused(lambda: syscall("vhangup"), "vhangup is let through")
