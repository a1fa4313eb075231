def write():
    os.mkdir("/fn/ward-prove")
    os.rmdir("/fn/ward-prove")
if not os.path.isdir("/fn"):
    blocked("absent", "no /fn")
refused(write, "/fn may be written")
