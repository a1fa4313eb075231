IPV6_FLOWLABEL_MGR, GET, EXCLUSIVE, CREATE = 32, 0, 1, 1
def lease(label):
    end = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    wanted = socket.inet_pton(socket.AF_INET6, "::1") + struct.pack("!I", label) + struct.pack("BBHHHI", GET, EXCLUSIVE, CREATE, 6, 6, 0)
    end.setsockopt(socket.IPPROTO_IPV6, IPV6_FLOWLABEL_MGR, wanted)
let_through(lambda: lease(0x12345), ["EINVAL", "ENOBUFS", "EEXIST", "ENOENT"], "a flow label is leased")
