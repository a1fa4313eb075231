TCP_ZEROCOPY_RECEIVE = 35
end = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
let_through(lambda: end.getsockopt(socket.IPPROTO_TCP, TCP_ZEROCOPY_RECEIVE, 64), ["EINVAL", "ENOTCONN", "EFAULT", "EIO"], "TCP_ZEROCOPY_RECEIVE is let through")
