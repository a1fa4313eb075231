SO_ATTACH_FILTER, SO_ATTACH_REUSEPORT_CBPF, RETURN_ALL = 26, 51, 0xffffffff
code = buffer(struct.pack("HBBI", 6, 0, 0, RETURN_ALL))
program = struct.pack("HxxxxxxP", 1, ctypes.addressof(code))
end = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
first_refusal([("a filter is attached", lambda: end.setsockopt(1, SO_ATTACH_FILTER, program)),
               ("a filter of a group of sockets is attached", lambda: end.setsockopt(1, SO_ATTACH_REUSEPORT_CBPF, program))])
