if os.fork() == 0:
    os.setsid()
    for number in range(1, 32):
        attempt(lambda: signal.signal(number, signal.SIG_IGN))
    if os.fork() == 0:
        time.sleep(60)
    time.sleep(60)
    os._exit(0)
time.sleep(0.05)
blocked("killed", "its processes ended with the program")
