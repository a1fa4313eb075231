# Begins with parts/logs.py.
def write(_own):
    for _ in range(8 * 16):
        os.write(1, b"x" * 65536)
