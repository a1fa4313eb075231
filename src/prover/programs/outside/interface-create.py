RTM_NEWLINK, REQUEST_ACK_CREATE_EXCL = 16, 0x605
def make():
    end = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
    name, kind = struct.pack("HH", 15, 3) + b"ward-prove" + bytes(2), struct.pack("HHHH", 12, 18, 8, 1) + b"veth"
    body = struct.pack("BxHiII", 0, 0, 0, 0, 0) + name + kind
    end.send(struct.pack("IHHII", 16 + len(body), RTM_NEWLINK, REQUEST_ACK_CREATE_EXCL, 1, 0) + body)
    code = struct.unpack_from("i", end.recv(4096), 16)[0]
    if code < 0:
        raise OSError(-code, os.strerror(-code))
refused(make, "a network device was made")
