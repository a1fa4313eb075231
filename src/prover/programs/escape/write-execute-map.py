# Begins with parts/write-execute.py.
refused(lambda: mmap.mmap(-1, 4096, prot=7), "memory that was written may be run")
