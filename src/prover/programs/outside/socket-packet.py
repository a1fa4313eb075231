ETH_P_ALL = 0x0300
first_refusal([("a packet socket is open", lambda: syscall("socket", 17, 3, ETH_P_ALL)),
               ("a datagram packet socket is open", lambda: syscall("socket", 17, 2, ETH_P_ALL)),
               ("an old packet socket is open", lambda: syscall("socket", 2, 10, ETH_P_ALL))])
