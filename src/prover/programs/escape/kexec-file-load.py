no_such_flags = 0xfff0
let_through(lambda: syscall("kexec_file_load", -1, -1, 0, "", no_such_flags), ["EINVAL", "EBADF"], "another kernel may be loaded")
