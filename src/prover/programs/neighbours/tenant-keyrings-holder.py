KEY_SPEC_USER_KEYRING = -4
name = "ward-prove-" + os.urandom(8).hex()
try:
    syscall("add_key", "user", name, b"secret", 6, KEY_SPEC_USER_KEYRING)
except OSError as error:
    blocked(error)
holds(name=name)
