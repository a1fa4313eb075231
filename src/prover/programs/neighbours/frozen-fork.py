os.write(1, b"working" + bytes([10]))
end = time.monotonic() + 60
while time.monotonic() < end:
    for _ in range(4):
        if os.fork() == 0:
            if os.fork() == 0:
                os._exit(0)
            os._exit(0)
    for _ in range(4):
        os.wait()
