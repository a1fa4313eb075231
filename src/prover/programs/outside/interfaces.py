try:
    names = [name for _, name in socket.if_nameindex()]
except OSError as error:
    blocked(error)
# Tunnels that the kernel adds to every namespace, all of them down.
template = ("lo", "sit0", "tunl0", "gre0", "gretap0", "erspan0", "ip_vti0", "ip6_vti0", "ip6tnl0", "ip6gre0")
others = [name for name in names if name not in template]
if others:
    escaped(", ".join(others))
blocked("absent", ", ".join(names))
