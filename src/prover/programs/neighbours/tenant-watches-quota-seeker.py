answer = attempt(lambda: syscall("inotify_init1", 0))
if answer == "EMFILE":
    escaped("none is left, since the neighbour has %d" % facts["neighbour"]["made"])
blocked("absent", "there are some, though the neighbour has %d: %s" % (facts["neighbour"]["made"], answer))
