def look(path):
    if read(path).decode() != facts["secret"]:
        raise OSError(errno.ENOENT, "another file")
processes = [process for process in os.listdir("/proc") if process.isdigit()]
refusals = []
for process in processes:
    for link in ("root", "cwd"):
        answer = attempt(lambda: look("/proc/" + process + "/" + link + facts["secretFile"]))
        if answer == "ok":
            escaped("a file of the host was read through /proc/" + process + "/" + link)
        refusals.append(answer)
blocked(refusals[0] if refusals else "absent", str(len(processes)) + " processes, none of which has the host’s root")
