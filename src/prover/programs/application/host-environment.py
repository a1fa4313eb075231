import os


def main(_args):
    return {"values": list(os.environ.values())}
