folder = facts["folder"]
limit = [mount["inodes"] for mount in facts["tmpfs"] if mount["path"] == folder]
if not limit:
    blocked("absent", "there is no writable folder at " + folder)
try:
    for number in range(limit[0] + 16):
        os.close(os.open(folder + "/empty-%d" % number, os.O_CREAT | os.O_WRONLY))
except OSError as error:
    blocked(error, "after %d files" % number)
escaped("%d files, %d are allowed" % (number + 1, limit[0]))
