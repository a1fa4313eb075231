end = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
try:
    end.bind(("127.0.0.1", 0))
    end.listen()
except OSError as error:
    blocked(error)
holds(port=end.getsockname()[1])
