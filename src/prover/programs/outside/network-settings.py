def look(path):
    lines = [line for line in read(path).decode().split(chr(10)) if line.strip() and not line.startswith("#")]
    told = [line for line in lines if not line.startswith(("127.", "::1", "fe00::", "ff0", "options"))]
    if told:
        escaped(path + ": " + told[0])
for path in ("/etc/resolv.conf", "/etc/hosts"):
    attempt(lambda: look(path))
blocked("absent", "only the sandbox itself")
