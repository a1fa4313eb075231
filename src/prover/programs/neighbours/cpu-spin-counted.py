for _ in range(int(facts["cpus"] * 1.5) + 2):
    if os.fork() == 0:
        while True:
            pass
os.write(1, b"spinning" + bytes([10]))
time.sleep(60)
