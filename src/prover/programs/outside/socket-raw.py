first_refusal([("a raw IPv4 socket is open", lambda: syscall("socket", 2, 3, 255)),
               ("a raw IPv6 socket is open", lambda: syscall("socket", 10, 3, 58)),
               ("a raw TCP socket is open", lambda: syscall("socket", 2, 3, 6))])
