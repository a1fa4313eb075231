first_refusal([("a ping socket is open", lambda: syscall("socket", 2, 2, 1)),
               ("a ping socket of IPv6 is open", lambda: syscall("socket", 10, 2, 58))])
