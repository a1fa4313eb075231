# One page of a rarely used file.
file = os.open(os.__file__, os.O_RDONLY)
refused(lambda: os.posix_fadvise(file, 0, 4096, os.POSIX_FADV_DONTNEED), "a page of the image may be dropped")
