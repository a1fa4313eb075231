# Begins with parts/frames.py.
def misbehave(_args):
    frame('{"type":"init-ok"}')
    hang()
