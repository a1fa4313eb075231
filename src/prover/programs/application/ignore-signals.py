import signal
def main(args):
    if args.get("good"):
        return {"good": True}
    for number in range(1, 65):
        try:
            signal.signal(number, signal.SIG_IGN)
        except (OSError, ValueError):
            pass
    while True:
        pass
