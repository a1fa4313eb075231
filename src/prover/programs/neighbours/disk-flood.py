memory = ("tmpfs", "proc", "sysfs", "devpts", "mqueue", "cgroup", "cgroup2")
for line in filter(None, read("/proc/self/mountinfo", 65536).decode().split(chr(10))):
    place, kind = line.split()[4], line.split(" - ")[1].split()[0]
    if kind in memory or not os.path.isdir(place):
        continue
    try:
        os.mkdir(place + "/ward-prove")
        os.rmdir(place + "/ward-prove")
    except OSError:
        continue
    escaped(place + " (" + kind + ") is writable")
blocked("absent", "only memory is writable")
