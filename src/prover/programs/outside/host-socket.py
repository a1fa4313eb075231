def go():
    end = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    end.connect(bytes([0]) + facts["name"].encode() if facts["isAbstract"] else facts["name"])
refused(go, "connected to a server of the host")
