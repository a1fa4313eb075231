import mmap
def protect(memory):
    start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    if libc.mprotect(ctypes.c_void_p(start), 4096, mmap.PROT_READ | mmap.PROT_EXEC) != 0:
        raise OSError(ctypes.get_errno(), "mprotect")
def mapped(path):
    file = os.open(path, os.O_CREAT | os.O_RDWR, 0o700)
    os.ftruncate(file, 4096)
    return mmap.mmap(file, 4096, mmap.MAP_PRIVATE)
