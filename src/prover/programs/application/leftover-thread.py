# Begins with parts/leftovers.py.
def find():
    return [t.name for t in threading.enumerate() if t.name == mark]


def leave():
    threading.Thread(target=time.sleep, args=(60,), name=mark, daemon=True).start()
