for name, inode in zip(facts["names"], facts["hosts"]):
    found = os.stat("/dev/" + name)
    if "%d %d" % (found.st_dev, found.st_ino) == inode:
        escaped("/dev/" + name + " is the host’s own file")
blocked("absent", "none of %d device files is the host’s" % len(facts["names"]))
