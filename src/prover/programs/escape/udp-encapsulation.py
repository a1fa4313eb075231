# Begins with parts/socket-options.py.
socket_options(socket.SOCK_DGRAM, [
    ("UDP_ENCAP", 17, 100, 2),
])
