refused(lambda: syscall("mq_open", "ward-prove", os.O_CREAT | os.O_RDWR, 0o600, None), "a queue is open")
