refused(lambda: syscall("add_key", "user", "ward-prove", b"key", 3, -2), "a key is kept")
