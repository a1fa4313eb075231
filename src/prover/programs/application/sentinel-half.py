# Begins with parts/logs.py.
def write(_own):
    os.write(1, ("stray" + SENTINEL + " ").encode())
