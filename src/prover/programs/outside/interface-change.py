SIOCSIFFLAGS, SIOCSIFADDR, SIOCBRADDBR, SIOCADDRT = 0x8914, 0x8916, 0x89a0, 0x890b
end = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
request = struct.pack("16sH22x", b"lo", 0x49)
first_refusal([("flags of lo are set", lambda: syscall("ioctl", end.fileno(), SIOCSIFFLAGS, request)),
               ("an address of lo is set", lambda: syscall("ioctl", end.fileno(), SIOCSIFADDR, request)),
               ("a bridge is made", lambda: syscall("ioctl", end.fileno(), SIOCBRADDBR, b"ward-prove")),
               ("a route is made", lambda: syscall("ioctl", end.fileno(), SIOCADDRT, bytes(120)))])
