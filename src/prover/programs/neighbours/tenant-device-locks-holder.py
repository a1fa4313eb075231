import fcntl
kept = [os.open("/dev/" + name, os.O_RDWR) for name in ("null", "zero", "full")]
try:
    for one in kept[:2]:
        fcntl.flock(one, fcntl.LOCK_EX)
    fcntl.lockf(kept[2], fcntl.LOCK_EX)
except OSError as error:
    blocked(error)
holds(files=["/dev/null", "/dev/zero"], records=["/dev/full"])
