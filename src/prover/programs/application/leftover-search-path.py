# Begins with parts/leftovers.py.
def find():
    return [path for path in sys.path if mark in path]


def leave():
    sys.path.insert(0, "/tmp/" + mark)
