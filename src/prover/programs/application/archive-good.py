def main(_args):
    return {"good": True}
