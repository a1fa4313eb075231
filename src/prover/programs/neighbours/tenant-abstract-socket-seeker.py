end = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
refused(lambda: end.connect(bytes([0]) + facts["neighbour"]["name"].encode()), "connected to the neighbour")
