def attack():
    found = []
    for place in ["/run/ward", "/run", "/var/run", "/tmp", "/var/lib/ward"]:
        for folder, _, files in os.walk(place):
            found += [os.path.join(folder, f) for f in files if "socket" in f or "ward" in f]
    try:
        found += [l for l in open("/proc/net/unix").read().split("\n") if "/" in l or "@" in l]
    except OSError:
        pass
    for address in ["127.0.0.2", "127.0.0.3", "127.255.255.254", "::1", "0.0.0.0"]:
        try:
            with socket.create_connection((address, 3233), 1):
                if address != "0.0.0.0":
                    found.append(address)
        except OSError:
            pass
    return escaped(found) if found else blocked("absent", "no socket but its own port")
