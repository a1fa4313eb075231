def look(start):
    climb = os.open(start, os.O_PATH | os.O_DIRECTORY)
    for _ in range(64):
        climb = os.open("..", os.O_PATH | os.O_DIRECTORY, dir_fd=climb)
    descriptor = os.open(facts["secretFile"].lstrip("/"), os.O_RDONLY, dir_fd=climb)
    if os.read(descriptor, 64).decode() != facts["secret"]:
        raise OSError(errno.ENOENT, "another file of that name")
first_refusal([("climbed out from " + start, lambda start=start: look(start)) for start in ("/", "/tmp", "/proc/self/cwd", "/dev", "/fn") if os.path.isdir(start)])
