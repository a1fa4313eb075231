# Begins with parts/connecting.py.
first_refusal([("sent to " + address, lambda address=address, port=port: connect(address, port, socket.SOCK_DGRAM))
               for address, port in (("192.0.2.1", 53), ("2001:db8::1", 53), ("224.0.0.251", 5353), ("255.255.255.255", 9))])
