# Begins with parts/logs.py.
def write(_own):
    for at in range(8 * 16):
        os.write(1 + at % 2, (b"x" * 1023 + bytes([10])) * 64)
