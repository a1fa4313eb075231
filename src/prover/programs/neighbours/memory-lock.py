memory = buffer(8192)
start = (ctypes.addressof(memory) + 4095) & ~4095
first_refusal([("a page is locked", lambda: syscall("mlock", start, 4096)),
               ("all pages are locked", lambda: syscall("mlockall", 1))])
