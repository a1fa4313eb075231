KEY_SPEC_PROCESS_KEYRING = -2
def fill():
    for number in range(16):
        syscall("add_key", "user", "ward-prove-%d" % number, bytes(1024), 1024, KEY_SPEC_PROCESS_KEYRING)
refused(fill, "16 keys are kept")
