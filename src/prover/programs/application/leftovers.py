import builtins
import os
def main(args):
    found = [path for path in ("/tmp/left", "/dev/shm/left") if os.path.exists(path)] + (["memory"] if hasattr(builtins, "left") else [])
    for path in ("/tmp/left", "/dev/shm/left"):
        open(path, "w").close()
    builtins.left = True
    return {"found": found}
