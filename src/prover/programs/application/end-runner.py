import os


def main(args):
    if args.get("good"):
        return {"good": True}
    os._exit(0)
