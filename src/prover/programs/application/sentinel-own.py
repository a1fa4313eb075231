# Begins with parts/logs.py.
def write(own):
    print(SENTINEL + " " + own + chr(10) + "stray", flush=True)
