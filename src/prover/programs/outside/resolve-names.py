try:
    answers = socket.getaddrinfo("ward-prove.invalid.example.com", 80)
except OSError as error:
    # -2 (no such name) would be a server's answer.
    if error.errno == -2 and b"nameserver" in (read("/etc/resolv.conf") if os.path.exists("/etc/resolv.conf") else b""):
        escaped("a server has answered")
    blocked("absent", str(error.strerror))
escaped("resolved to " + str(answers[0][4]))
