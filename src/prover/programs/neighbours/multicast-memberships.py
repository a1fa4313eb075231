IP_ADD_SOURCE_MEMBERSHIP, MCAST_JOIN_GROUP = 39, 42
four, six = [socket.socket(family, socket.SOCK_DGRAM) for family in (socket.AF_INET, socket.AF_INET6)]
group, loopback = socket.inet_aton("239.1.2.3"), socket.inet_aton("127.0.0.1")
request = struct.pack("Ixxxx", 1) + struct.pack("HH", 2, 0) + group + bytes(120)
first_refusal([("a group of IPv4 is joined", lambda: four.setsockopt(0, socket.IP_ADD_MEMBERSHIP, group + loopback)),
               ("a group of IPv4 for one source is joined", lambda: four.setsockopt(0, IP_ADD_SOURCE_MEMBERSHIP, group + loopback + loopback)),
               ("a group of IPv4 is joined by the newer way", lambda: four.setsockopt(0, MCAST_JOIN_GROUP, request)),
               ("a group of IPv6 is joined", lambda: six.setsockopt(41, socket.IPV6_JOIN_GROUP, socket.inet_pton(socket.AF_INET6, "ff02::1234") + struct.pack("I", 1)))])
