MADV_MERGEABLE, PR_SET_MEMORY_MERGE = 12, 67
memory = buffer(8192)
start = (ctypes.addressof(memory) + 4095) & ~4095
first_refusal([("a page may be merged", lambda: syscall("madvise", start, 4096, MADV_MERGEABLE)),
               ("all pages may be merged", lambda: syscall("prctl", PR_SET_MEMORY_MERGE, 1, 0, 0, 0))])
