reader, writer = os.pipe()
_, other = os.pipe()
os.write(writer, b"x")
refused(lambda: syscall("tee", reader, other, 1, 0), "a page is in two pipes")
