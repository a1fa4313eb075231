# Begins with parts/frames.py.
def misbehave(_args):
    os.write(3, struct.pack(">I", 1000) + b"{")
    hang()
