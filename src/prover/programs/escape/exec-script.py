# Begins with parts/written-programs.py.
folder = facts["folder"]
runs(lambda: os.execv(written(folder + "/script"), ["script"]), "a script ran from " + folder)
