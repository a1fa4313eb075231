folder = os.path.dirname(facts["secretFile"]).rsplit("/", 1)[0]
try:
    mounts = read("/proc/self/mountinfo", 65536).decode()
except OSError as error:
    blocked(error)
for line in filter(None, mounts.split(chr(10))):
    fields, options = line.split(" - ")
    kind, source, settings = options.split(" ", 2)
    layers = [option for option in settings.split(",") if option.startswith(("lowerdir=/", "upperdir=/", "workdir=/"))]
    if kind == "overlay" and layers:
        escaped("a mount names layers of the image: " + layers[0][:120])
blocked("absent", "no mount names a path of the host")
