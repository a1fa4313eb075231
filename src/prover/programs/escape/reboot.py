# Without the magic numbers nothing but the check of permission happens.
let_through(lambda: syscall("reboot", 0, 0, 0, None), ["EINVAL"], "a restart would be allowed")
