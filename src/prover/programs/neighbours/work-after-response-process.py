# Begins with parts/ticking.py.
def begin():
    if os.fork() == 0:
        os.setsid()
        tick()
