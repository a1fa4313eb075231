answer = attempt(lambda: syscall("inotify_init1", 0))
if answer == "EMFILE":
    escaped("no instance is left, because the neighbour has %d" % facts["neighbour"]["made"])
blocked("absent", "instances are left, although the neighbour has %d: %s" % (facts["neighbour"]["made"], answer))
