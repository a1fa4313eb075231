# Begins with parts/namespace-flags.py.
refused(lambda: syscall("setns", os.pidfd_open(1), NEW["mnt"] | NEW["net"] | NEW["uts"]), "entered the namespaces of process 1")
