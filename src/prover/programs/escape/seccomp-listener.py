SET_MODE_FILTER, NEW_LISTENER, RET_ALLOW = 1, 8, 0x7fff0000
instruction = buffer(struct.pack("HBBI", 6, 0, 0, RET_ALLOW))
first_refusal([("a listener is open", lambda: syscall("seccomp", SET_MODE_FILTER, NEW_LISTENER, struct.pack("HxxxxxxP", 1, ctypes.addressof(instruction))))])
