# Begins with parts/socket-options.py.
socket_options(socket.SOCK_STREAM, [
    ("TCP_ULP tls", 6, 31, b"tls"),
    ("TCP_ULP espintcp", 6, 31, b"espintcp"),
    ("TLS_TX", 282, 1, bytes(40)),
    ("TCP_CONGESTION", 6, 13, b"ward-prove"),
])
