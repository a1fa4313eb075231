def look():
    start = os.open(".", os.O_PATH | os.O_DIRECTORY)
    for _ in range(64):
        start = os.open("..", os.O_PATH | os.O_DIRECTORY, dir_fd=start)
    file = os.open(facts["secretFile"].lstrip("/"), os.O_RDONLY, dir_fd=start)
    if os.read(file, 64).decode() != facts["secret"]:
        raise OSError(errno.ENOENT, "another file of that name")
refused(look, "a file of the host was read from " + os.getcwd())
