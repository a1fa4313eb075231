# Begins with parts/frames.py.
def misbehave(_args):
    answer({"__proto__": {"wardProve": True}, "constructor": {"prototype": {"wardProve": True}}})
    hang()
