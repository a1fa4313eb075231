CLONE_VFORK, SIGCHLD = 0x4000, 17
for _ in range(4):
    if os.fork() == 0:
        # The child has a copy of the memory, and the parent waits until it ends.
        if syscall("clone", CLONE_VFORK | SIGCHLD, None, None, None, None) == 0:
            while True:
                pass
        os._exit(0)
os.write(1, b"working" + bytes([10]))
time.sleep(60)
