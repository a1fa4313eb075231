memory = buffer(b"ward")
_, pipe = os.pipe()
refused(lambda: syscall("vmsplice", pipe, struct.pack("PN", ctypes.addressof(memory), 4), 1, 0), "an own page is in a pipe")
