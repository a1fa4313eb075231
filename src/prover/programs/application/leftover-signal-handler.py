# Begins with parts/leftovers.py.
def find():
    return ["SIGUSR1"] if signal.getsignal(signal.SIGUSR1) not in (signal.SIG_DFL, None) else []


def leave():
    signal_later(mark)
