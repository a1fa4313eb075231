# Begins with parts/leftovers.py.
def find():
    return [mark] if connects(socket.AF_UNIX, chr(0) + mark) else []


def leave():
    keep(serve(socket.AF_UNIX, chr(0) + mark))
