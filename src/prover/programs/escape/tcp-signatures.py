# Begins with parts/socket-options.py.
socket_options(socket.SOCK_STREAM, [
    ("TCP_MD5SIG", 6, 14, bytes(216)),
    ("TCP_MD5SIG_EXT", 6, 32, bytes(216)),
    ("TCP_AO_ADD_KEY", 6, 38, bytes(8)),
])
