import mmap
descriptor = os.open("/tmp/code", os.O_CREAT | os.O_RDWR, 0o700)
os.write(descriptor, bytes(4096))
refused(lambda: mmap.mmap(descriptor, 4096, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_EXEC), "a file of /tmp is mapped as code")
