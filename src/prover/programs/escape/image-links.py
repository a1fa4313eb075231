blocked("refused", "the runtime has started the program, and followed nothing")
