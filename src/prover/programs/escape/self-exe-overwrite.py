# While it runs the answer would be ETXTBSY, whoever may write: so its file is tried by its name too.
def overwrite():
    try:
        open_for_write("/proc/self/exe")
    except OSError as error:
        if error.errno != errno.ETXTBSY:
            raise
refused(overwrite, os.readlink("/proc/self/exe") + " may be written")
