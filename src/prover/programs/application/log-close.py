# Begins with parts/logs.py.
def write(_own):
    os.close(1)
    os.close(2)
