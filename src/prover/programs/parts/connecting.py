def connect(address, port, kind=socket.SOCK_STREAM):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    end = socket.socket(family, kind)
    end.settimeout(2)
    try:
        end.connect((address, port))
        if kind == socket.SOCK_DGRAM:
            end.send(b"")
    except TimeoutError:
        escaped("packets to " + address + " leave, although nothing answers")
