# Begins with parts/frames.py.
def misbehave(_args):
    os.write(3, bytes([255] * 4))
    hang()
