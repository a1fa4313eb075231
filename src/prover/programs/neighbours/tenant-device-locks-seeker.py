import fcntl
for lock, names in ((fcntl.flock, facts["neighbour"]["files"]), (fcntl.lockf, facts["neighbour"]["records"])):
    for name in names:
        answer = attempt(lambda: lock(os.open(name, os.O_RDWR), fcntl.LOCK_EX | fcntl.LOCK_NB))
        if answer in ("EAGAIN", "EACCES"):
            escaped("the neighbour’s lock of " + name + " is visible: " + answer)
blocked("absent", "no lock of the neighbour is visible")
