# Begins with parts/frames.py.
def misbehave(_args):
    frame('{"type":"ready"}')
    hang()
