MADV_COLD = 20
memory = buffer(8192)
start = (ctypes.addressof(memory) + 4095) & ~4095
refused(lambda: syscall("process_madvise", os.pidfd_open(1), struct.pack("PN", start, 4096), 1, MADV_COLD, 0), "advice about the memory of process 1 is taken")
