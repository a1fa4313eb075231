# Begins with parts/leftovers.py.
def find():
    return ["umask"] if swap_umask(0o77) == 0o7 else []


def leave():
    os.umask(0o7)
