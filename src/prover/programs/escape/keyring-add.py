KEY_SPEC_PROCESS_KEYRING = -2
refused(lambda: syscall("add_key", "user", "ward-prove", b"key", 3, KEY_SPEC_PROCESS_KEYRING), "a key is kept")
