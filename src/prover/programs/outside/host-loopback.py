def go():
    end = socket.socket(socket.AF_INET6 if ":" in facts["address"] else socket.AF_INET, socket.SOCK_STREAM)
    end.settimeout(2)
    end.connect((facts["address"], facts["port"]))
refused(go, "connected to a server of the host")
