def look(path):
    if read(path) == b"":
        raise OSError(errno.EACCES, "empty")
found(["/proc/self/stack"], look, "can be read")
