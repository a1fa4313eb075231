# Begins with parts/frames.py.
def misbehave(_args):
    return {"large": "x" * (12 << 20)}
