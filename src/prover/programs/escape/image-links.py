blocked("refused", "the runtime started the program and followed no link")
