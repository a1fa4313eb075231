def listen():
    end = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    end.bind(("127.0.0.1", 80))
refused(listen, "listens on port 80")
