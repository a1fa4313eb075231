signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
file = os.open("/tmp/large", os.O_CREAT | os.O_WRONLY)
refused(lambda: os.ftruncate(file, 1 << 40), "a file of 1 TiB, without a byte in it")
