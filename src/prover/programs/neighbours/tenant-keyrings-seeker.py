KEYCTL_SEARCH, KEY_SPEC_USER_KEYRING = 10, -4
refused(lambda: syscall("keyctl", KEYCTL_SEARCH, KEY_SPEC_USER_KEYRING, "user", facts["neighbour"]["name"], 0), "the neighbour’s key was found")
