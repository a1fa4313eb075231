# Begins with parts/frames.py.
def misbehave(_args):
    os.close(3)
    hang()
