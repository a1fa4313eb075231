# Begins with parts/leftovers.py.
def find():
    return [4711] if connects(socket.AF_INET, ("127.0.0.1", 4711)) else []


def leave():
    keep(serve(socket.AF_INET, ("127.0.0.1", 4711)))
