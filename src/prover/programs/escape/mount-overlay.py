for name in ("lower", "upper", "work", "merged"):
    os.mkdir("/tmp/" + name)
options = "lowerdir=/tmp/lower,upperdir=/tmp/upper,workdir=/tmp/work"
refused(lambda: syscall("mount", "overlay", "/tmp/merged", "overlay", 0, options), "an overlay is mounted")
