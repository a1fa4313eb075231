for _ in range(8):
    if os.fork() == 0:
        while True:
            pass
os.write(1, b"working" + bytes([10]))
time.sleep(60)
