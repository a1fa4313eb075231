refused(lambda: syscall("pivot_root", "/tmp", "/tmp"), "/tmp is the root now")
