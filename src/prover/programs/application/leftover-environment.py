# Begins with parts/leftovers.py.
def find():
    return [name for name in os.environ if mark in name]


def leave():
    os.environ[mark] = "left"
