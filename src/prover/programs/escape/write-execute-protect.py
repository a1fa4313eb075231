# Begins with parts/write-execute.py.
refused(lambda: protect(mmap.mmap(-1, 4096)), "memory that was written may be run")
