words = buffer(16)
CMP_REQUEUE_PI, PRIVATE = 12, 128
second = ctypes.c_void_p(ctypes.addressof(words) + 8)
let_through(lambda: syscall("futex", words, CMP_REQUEUE_PI | PRIVATE, 1, ctypes.c_void_p(1), second, 0), ["EINVAL", "EAGAIN"], "threads may be moved")
