places = [path for path in ("/etc/passwd", os.__file__, "/dev/null", "/proc/self/exe") if os.path.exists(path)]
def beside():
    # The only place on the same file system.
    other = os.path.dirname(os.__file__) + "/ward-prove"
    os.link(os.__file__, other)
    os.unlink(other)
first_refusal([("linked " + path, lambda path=path: os.link(path, "/tmp/link", follow_symlinks=True)) for path in places]
              + [("linked " + os.__file__ + " beside itself", beside)])
