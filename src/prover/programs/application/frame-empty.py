# Begins with parts/frames.py.
def misbehave(_args):
    os.write(3, bytes(4))
    hang()
