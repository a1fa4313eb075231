import stat
major, minor = facts["major"], facts["minor"]
def make():
    syscall("mknodat", -100, "/tmp/node", getattr(stat, facts["kind"]) | 0o600, os.makedev(major, minor))
    os.close(os.open("/tmp/node", os.O_RDONLY | os.O_NONBLOCK))
refused(make, "device %d:%d was made and opened" % (major, minor))
