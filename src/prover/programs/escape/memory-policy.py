MPOL_DEFAULT = 0
memory = buffer(8192)
start = (ctypes.addressof(memory) + 4095) & ~4095
first_refusal([("mbind is let through", lambda: syscall("mbind", start, 4096, MPOL_DEFAULT, None, 0, 0)),
               ("set_mempolicy is let through", lambda: syscall("set_mempolicy", MPOL_DEFAULT, None, 0))])
