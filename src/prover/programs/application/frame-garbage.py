# Begins with parts/frames.py.
def misbehave(_args):
    os.write(3, b"GET / HTTP/1.1" + bytes([13, 10, 13, 10]))
    hang()
