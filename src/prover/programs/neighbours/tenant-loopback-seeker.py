end = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
refused(lambda: end.connect(("127.0.0.1", facts["neighbour"]["port"])), "connected to the neighbour")
