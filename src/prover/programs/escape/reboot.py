# Without the magic numbers the kernel only checks the rights.
let_through(lambda: syscall("reboot", 0, 0, 0, None), ["EINVAL"], "a restart would be allowed")
