# Begins with parts/leftovers.py.
def find():
    return ["json"] if getattr(json.dumps, "mark", "") == mark else []


def leave():
    json.dumps = marked(json.dumps, mark)
