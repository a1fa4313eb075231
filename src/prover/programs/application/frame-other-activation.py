# Begins with parts/frames.py.
def misbehave(_args):
    answer({"forged": True}, "0" * 32)
    hang()
