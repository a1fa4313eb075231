# Begins with parts/frames.py.
def misbehave(_args):
    frame(bytes([0xff, 0xfe, 0x00, 0x80] * 4))
    hang()
