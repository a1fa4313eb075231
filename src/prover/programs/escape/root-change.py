refused(lambda: open_for_write(os.__file__), os.__file__ + " is open for writing")
