def look():
    if read(facts["secretFile"]).decode() != facts["secret"]:
        raise OSError(errno.ENOENT, "another file of that name")
refused(look, "a file of the host was read")
