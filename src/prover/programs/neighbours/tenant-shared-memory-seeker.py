refused(lambda: syscall("shmget", facts["neighbour"]["key"], 0, 0), "the neighbour’s memory was found")
