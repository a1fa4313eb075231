def look(path):
    content = os.listdir(path) if os.path.isdir(path) else read(path, 64)
    if not content:
        raise OSError(errno.ENODATA, "empty")
found(facts["paths"], look, "can be read")
