# Begins with parts/logs.py.
def write(_own):
    for _ in range(16):
        os.write(1, bytes([10]) * 65536)
