import mmap
file = os.open(os.__file__, os.O_RDONLY)
mapped = mmap.mmap(file, 4096, mmap.MAP_SHARED, mmap.PROT_READ)
def mincore():
    answer = buffer(1)
    # The address of a read-only mapping can only be found in the kernel's own list.
    for line in open("/proc/self/maps"):
        if os.__file__ in line:
            return syscall("mincore", int(line.split("-")[0], 16), 4096, answer)
    raise OSError(errno.EPERM, "not in the list of maps")
first_refusal([("cachestat tells of a file of the image", lambda: syscall("cachestat", file, struct.pack("QQ", 0, 4096), buffer(40), 0)),
               ("mincore tells of a file of the image", mincore)])
