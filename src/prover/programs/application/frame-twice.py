# Begins with parts/frames.py.
def misbehave(args):
    answer({"call": args["call"], "forged": True})
    return {"call": args["call"]}
