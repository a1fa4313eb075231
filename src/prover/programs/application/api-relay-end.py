def attack():
    seen = [p for p in os.listdir("/proc") if p.isdigit() and int(p) not in (1, os.getpid(), os.getppid())]
    for pid in range(2, 400):
        if pid not in (os.getpid(), os.getppid()):
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                pass
    alive = status(talk(head("GET", "/api/v1/namespaces/_/actions/own", own))) == 200
    if seen or not alive:
        return escaped(f"saw {seen}, and the port is {'open' if alive else 'dead'}")
    return blocked("absent", "no process of the host is visible, and none was reached")
