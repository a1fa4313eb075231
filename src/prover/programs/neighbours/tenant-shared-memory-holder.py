IPC_CREAT = 0o1000
key = int.from_bytes(os.urandom(3), "little") + 1
try:
    syscall("shmget", key, 4096, IPC_CREAT | 0o666)
except OSError as error:
    blocked(error)
holds(key=key)
