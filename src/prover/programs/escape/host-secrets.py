def look(path):
    content = read(path)
    # An image has its own shadow file, in which no user has a password.
    if path.startswith("/etc/shadow") and b":$" not in content:
        raise OSError(errno.ENOENT, "no password in it")
found(["/etc/shadow", "/etc/shadow-", "/etc/machine-id", "/etc/ssh/ssh_host_ed25519_key", "/root/.ssh/id_ed25519", "/root/.ward", "/var/lib/ward"], look, "can be read")
