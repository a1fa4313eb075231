try:
    start = read("/proc/kallsyms")
except OSError as error:
    blocked(error)
addresses = [line.split()[0] for line in start.decode().split(chr(10))[:-1] if line]
if any(int(address, 16) for address in addresses):
    escaped("addresses of the kernel can be read")
blocked("absent", "names, but no addresses")
