# Begins with parts/ticking.py.
def begin():
    threading.Thread(target=tick, daemon=True).start()
