# Begins with parts/socket-options.py.
socket_options(socket.SOCK_DGRAM, [
    ("UDP_SEGMENT", 17, 103, 1200),
    ("UDP_GRO", 17, 104, 1),
    ("UDP_CORK", 17, 1, 1),
])
