import os


def main(_args):
    return {"names": sorted(os.environ)}
