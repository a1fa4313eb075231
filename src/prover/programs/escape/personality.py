ADDR_NO_RANDOMIZE, READ_IMPLIES_EXEC = 0x40000, 0x400000
refused(lambda: syscall("personality", ADDR_NO_RANDOMIZE | READ_IMPLIES_EXEC), "addresses are the same in each process, and what can be read can be run")
