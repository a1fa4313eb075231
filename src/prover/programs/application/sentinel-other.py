# Begins with parts/logs.py.
def write(_own):
    print((SENTINEL + " " + "0" * 32 + chr(10)) * 100 + SENTINEL + chr(10) + "stray", flush=True)
