"""Greets by name: ward action invoke hello-py --param name World --result"""


def main(args):
    return {"greeting": f"Hello, {args.get('name', 'stranger')}"}
