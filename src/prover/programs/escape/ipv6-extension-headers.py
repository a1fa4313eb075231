# Begins with parts/socket-options.py.
socket_options(socket.SOCK_DGRAM, [
    ("IPV6_RTHDR", 41, 57, bytes([0, 2, 4, 0]) + bytes(20)),
    ("IPV6_HOPOPTS", 41, 54, bytes(8)),
    ("IPV6_DSTOPTS", 41, 59, bytes(8)),
    ("IPV6_ADDRFORM", 41, 1, 2),
    ("IP_OPTIONS", 0, 4, bytes([1, 1, 1, 0])),
])
