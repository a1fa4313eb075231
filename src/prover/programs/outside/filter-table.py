IPT_SO_SET_REPLACE = 64
end = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
let_through(lambda: end.setsockopt(socket.IPPROTO_IP, IPT_SO_SET_REPLACE, bytes(8)), ["EINVAL", "EFAULT", "ENOMEM"], "tables may be replaced")
