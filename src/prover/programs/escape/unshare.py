# Begins with parts/namespace-flags.py.
kind = facts["kind"]
refused(lambda: syscall("unshare", NEW[kind]), "in a " + kind + " namespace of its own making")
