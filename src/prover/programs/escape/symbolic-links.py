def look(target):
    link = "/tmp/link-" + str(abs(hash(target)))
    os.symlink(target, link)
    if read(link).decode() != facts["secret"]:
        raise OSError(errno.ENOENT, "another file of that name")
targets = [facts["secretFile"], "../../../../../.." + facts["secretFile"], "/proc/1/root" + facts["secretFile"], "/proc/self/root/.." + facts["secretFile"]]
first_refusal([("a link to " + target + " was followed", lambda target=target: look(target)) for target in targets])
