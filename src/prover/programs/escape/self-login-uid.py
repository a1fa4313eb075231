def forge(path):
    same = read(path)
    os.write(os.open(path, os.O_WRONLY), same)
found(["/proc/self/loginuid"], forge, "written")
