def attack():
    body = json.dumps({"exec": {"kind": "python:default", "code": "def main(args): return {}"}})
    more = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    answers = {}
    for method, target in [("PUT", "actions/new"), ("PUT", "triggers/new"), ("DELETE", "actions/own"), ("POST", "actions/own")]:
        answers[method + target] = talk(head(method, f"/api/v1/namespaces/_/{target}", facts["lesserKey"], more) + body)
    return judge(answers, [403])
