file = os.open(os.__file__, os.O_RDONLY)
_, end = os.pipe()
refused(lambda: syscall("sendfile", end, file, None, 1), "a page of the image is in a pipe")
