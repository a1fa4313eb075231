TIOCSTI, TIOCSCTTY = 0x5412, 0x540e
def type_into(request):
    os.setsid()
    try:
        _, terminal = os.openpty()
    except OSError:
        # No terminal can be made, so test whether the filter allows the request itself.
        return syscall("ioctl", 0, request, b"x")
    attempt(lambda: syscall("ioctl", terminal, TIOCSCTTY, 0))
    syscall("ioctl", terminal, request, b"x")
first_refusal([("a character was typed into a terminal", lambda: type_into(TIOCSTI)),
               ("a character was typed by a request with high bits", lambda: type_into(1 << 32 | TIOCSTI))])
