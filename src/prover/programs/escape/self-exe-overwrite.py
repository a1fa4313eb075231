# While the program runs, the answer could be ETXTBSY for any user. So its file is also tried by name.
def overwrite():
    try:
        open_for_write("/proc/self/exe")
    except OSError as error:
        if error.errno != errno.ETXTBSY:
            raise
refused(overwrite, os.readlink("/proc/self/exe") + " may be written")
