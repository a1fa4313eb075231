TIOCLINUX = 0x541c
# ENOTTY is what anything but a console answers to a call that was let through.
let_through(lambda: syscall("ioctl", 0, TIOCLINUX, buffer(bytes([6]))), ["EINVAL", "ENOTTY"], "a console would have answered")
