# Begins with parts/leftovers.py.
def find():
    return [n for n in os.listdir("/proc/self/fd") if mark in os.path.basename(read_link("/proc/self/fd/" + n))]


def leave():
    os.open("/tmp/" + mark, os.O_CREAT | os.O_RDWR)
