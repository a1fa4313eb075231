# Begins with parts/leftovers.py.
def find():
    return [n for n in os.listdir("/proc") if n.isdigit() and mark.encode() in open("/proc/" + n + "/cmdline", "rb").read()]


def leave():
    os.spawnv(os.P_NOWAIT, os.path.realpath("/usr/bin/python3"), ["python3", "-I", "-c", "import time; time.sleep(60)", mark])
