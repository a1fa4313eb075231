# Begins with parts/frames.py.
def misbehave(_args):
    answer("text")
    hang()
