refused(lambda: syscall("chroot", "/tmp"), "/tmp is the root now")
