memory, copy = buffer(b"ward"), buffer(5)
here = struct.pack("PN", ctypes.addressof(copy), 4)
there = struct.pack("PN", ctypes.addressof(memory), 4)
first_refusal([("a child has read memory of process 1", lambda: syscall("process_vm_readv", 1, here, 1, there, 1, 0))])
