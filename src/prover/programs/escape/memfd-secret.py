refused(lambda: syscall("memfd_secret", 0), "secret memory is open")
