# Begins with parts/write-execute.py.
refused(lambda: protect(mapped("/tmp/code")), "memory that was written may be run")
