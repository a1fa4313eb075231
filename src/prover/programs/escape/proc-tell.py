def look(path):
    if read(path, 64) == b"":
        raise OSError(errno.ENODATA, "empty")
found(facts["paths"], look, "can be read")
