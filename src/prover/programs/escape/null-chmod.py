# Sets the mode that it already has.
refused(lambda: os.chmod("/dev/null", os.stat("/dev/null").st_mode & 0o7777), "the mode of /dev/null may be changed")
