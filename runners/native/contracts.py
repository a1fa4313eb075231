"""OpenWhisk's two contracts for programs, and how to tell which one a program follows.

    loop    ActionLoop: started once. For each run it reads a line of JSON from stdin, with the parameters as `value`,
            and writes the result to fd 3 as a line of JSON.
    single  The docker skeleton's: started for each run, with the parameters as its argument and on stdin. The last line
            that it writes to stdout is the result.
"""

import os

from channel import log, quote, scan
from program import Program, Refusal, ended, environment, read_some

# Linux takes no longer argument (MAX_ARG_STRLEN); stdin always has the parameters.
MAX_ARGUMENT_BYTES = 131071
# An action's main that chooses ActionLoop when its program does not show that it speaks it.
LOOP_MAIN = "actionloop"
# What a loop program gets besides its parameters, from the environment of the run.
REQUEST_NAMES = (
    "namespace",
    "action_name",
    "action_version",
    "activation_id",
    "transaction_id",
    "deadline",
    "api_host",
    "api_key",
)

ELF = b"\x7fELF"
# Position of the processor type in an ELF file.
ELF_MACHINE = slice(18, 20)
# Text in the launchers that OpenWhisk's own compilers link to an ActionLoop program.
LAUNCHER_MARK = b"__OW_WAIT_FOR_ACK"
FD_MARKS = (b"&3", b"/dev/fd/3", b"/proc/self/fd/3", b"open(3", b"write(3")
OPENED_MARKS = (b"3>", b"3<")
HEAD_BYTES = 4096
CHUNK_BYTES = 1024 * 1024

NO_RESULT = "The action did not return a dictionary or array."
NO_PROGRAM = "The action's program is neither an ELF file nor a script that begins with '#!'."
NO_GO_PROGRAM = (
    "The action's code is not a Go program but perhaps its source, and there is no compiler here: "
    "compile it for Linux, and deploy the program itself or a zip that has it as 'exec'."
)


class Loop:
    """A program that keeps running, and is started again if it ends."""

    def __init__(self, path):
        self.path = path
        self.program = Program(path)

    def run(self, value):
        request = loop_request(value)
        answer = self.ask(request)
        # The program may have been ending when the request came.
        if answer is None and not self.program.has_begun():
            answer = self.ask(request)
        if answer is None:
            raise Refusal(f"The action's program ended without an answer ({self.program.how_it_ended()}).")
        return answer

    def ask(self, request):
        """The line that answers the request, or None when the program ends instead."""
        if self.program.has_ended():
            self.program.close()
            self.program = Program(self.path)
        program = self.program
        while read_some(program.answers):
            pass  # What it wrote after its last answer belongs to no run.
        line = bytearray()

        def take(data):
            line.extend(data)
            return b"\n" in data

        program.talk(request, {program.answers: take})
        answer, end, _ = line.partition(b"\n")
        return answer if end else None


def loop_request(value):
    names = [(name, environment.get(f"__OW_{name.upper()}")) for name in REQUEST_NAMES]
    rest = "".join(f',"{name}":{quote(text)}' for name, text in names if text is not None)
    return f'{{"value":{value}{rest}}}\n'.encode()


class Single:
    """A program that is started for each run."""

    def __init__(self, path):
        self.path = path

    def run(self, value):
        request = value.encode()
        arguments = [request] if len(request) <= MAX_ARGUMENT_BYTES else []
        program = Program(self.path, arguments, takes_stdout=True)
        last = bytearray()
        answered = bytearray()

        def take(data):
            """Logs all but the last line at once. Keeps the last line, which may be the result."""
            known = max(0, len(last) - 1)
            last.extend(data)
            cut = last.rfind(b"\n", known, len(last) - 1) + 1
            if cut:
                log(1, last[:cut])
                del last[:cut]

        program.talk(request, {program.stdout: take, program.answers: answered.extend}, is_last=True)
        program.close()
        if ended[program.pid] != 0:
            log(2, f"The program ended with {program.how_it_ended()}.\n".encode())
        if answered and result_in(last) is None:
            log(1, last)
            raise Refusal(
                "The action's program wrote its answer to fd 3, as ActionLoop programs do: "
                f"create the action with '{LOOP_MAIN}' as its main."
            )
        return last


def result_in(line):
    """The line as text if it is a JSON object or array, else None."""
    try:
        text = bytes(line).decode().strip()
        _, end = scan(text, 0)
    except (StopIteration, ValueError, TypeError, RecursionError):
        return None
    return text if end == len(text) and text[0] in "{[" else None


def contract_of(code_folder, main, only_loop):
    """The contract that the program in the code folder follows. Raises Refusal when it can't be run."""
    path = f"{code_folder}/exec"
    if not os.path.isfile(path):
        raise Refusal("The action failed to generate or locate a binary: there is no file 'exec' at the root.")
    with open(path, "rb") as file:
        head = file.read(HEAD_BYTES)
        is_script = head.startswith(b"#!")
        if is_script:
            check_interpreter(head)
        elif not head.startswith(ELF):
            raise Refusal(NO_GO_PROGRAM if only_loop else NO_PROGRAM)
        elif head[ELF_MACHINE] != own_machine():
            raise Refusal("The action's program is for another processor than this machine's.")
        is_loop = (
            only_loop
            or main == LOOP_MAIN
            or os.path.exists(f"{path}.env")
            or (writes_to_fd(head + file.read()) if is_script else has_launcher(head, file))
        )
    os.chdir(code_folder)
    return Loop(path) if is_loop else Single(path)


def check_interpreter(head):
    words = head[2:].split(b"\n", 1)[0].split()
    if not words or not os.path.exists(words[0]):
        shown = b"".join(words[:1]).decode("utf-8", "replace")
        raise Refusal(f"The action's program is a script, and its interpreter '{shown}' is not in this image.")


def own_machine():
    with open("/proc/self/exe", "rb") as file:
        return file.read(ELF_MACHINE.stop)[ELF_MACHINE]


def writes_to_fd(script):
    """Whether a script writes to fd 3 without opening it, and so expects to inherit it."""
    return any(mark in script for mark in FD_MARKS) and not any(mark in script for mark in OPENED_MARKS)


def has_launcher(head, file):
    while head:
        if LAUNCHER_MARK in head:
            return True
        chunk = file.read(CHUNK_BYTES)
        head = chunk and head[-len(LAUNCHER_MARK) :] + chunk
    return False
