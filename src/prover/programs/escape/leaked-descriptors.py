import stat
for name in os.listdir("/proc/self/fd"):
    try:
        kind = os.stat("/proc/self/fd/" + name).st_mode
        target = os.readlink("/proc/self/fd/" + name)
    except OSError:
        continue
    # Skip the program's own listing of the folder.
    if target.startswith("/proc/") and target.endswith("/fd"):
        continue
    if int(name) > 2 or not (stat.S_ISFIFO(kind) or stat.S_ISSOCK(kind) or target == "/dev/null"):
        escaped("descriptor " + name + " is " + target)
blocked("absent", "three pipes, and nothing else")
