<?php

/**
 * The program inside a PHP sandbox. It loads one action's code and runs its activations, one at a time, as OpenWhisk's
 * PHP runtime does. It shares its process with user code, so the host trusts nothing that comes from here: the runner
 * guards against accidents, not attacks.
 *
 *     ready > init > init-ok | init-error, then run > result, again and again
 *
 * The host may send the next runs early, as long as they need not wait. An answer says `late` when more than
 * PATIENCE_NANOSECONDS passed since its run was sent, or since the answer before it if the run was sent early. Runs
 * that were sent before the host can have seen a late answer are void: the host runs them elsewhere. The runner
 * announces that it begins an early run before it does.
 *
 * The channel is fd 3: frames of a 4-byte big-endian length and that many bytes of UTF-8 JSON. Both log streams get a
 * sentinel before each answer. Code folder: the first argument (default /fn).
 */

declare(strict_types=1);

namespace Ward;

use Throwable;

/** The code can't be an action, or a value can't be a result. The text is for the caller. */
final class Refusal extends \Exception
{
}

final class Runner
{
    private const CHANNEL_FD = 3;
    private const HEADER_BYTES = 4;
    private const SENTINEL = 'XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX';
    private const PATIENCE_NANOSECONDS = 20_000_000;
    private const ENTRY_FILE = 'index.php';
    /** The host takes no deeper JSON. */
    private const MAX_DEPTH = 490;
    private const ANY_DEPTH = 1 << 20;
    private const FATAL = E_ERROR | E_PARSE | E_CORE_ERROR | E_COMPILE_ERROR | E_USER_ERROR | E_RECOVERABLE_ERROR;
    private const FAILED = 'An error occurred running the action.';

    public static self $only;

    /** @var resource */
    private $channel;
    /** The function to call. */
    private string $name = '';
    private bool $isZip = false;
    private ?array $files = null;
    /** `init` or the id of the activation without an answer yet: if the process ends, it still gets one. */
    private ?string $pending = null;
    private int $answers = 0;
    /** Time just before the last answer was sent. */
    private int $answeredAt;
    /** Runs that were sent when the host had seen fewer answers are void. */
    private int $validFrom = 0;

    public function __construct(private readonly string $folder)
    {
        $this->channel = fopen('php://fd/' . self::CHANNEL_FD, 'r+b');
        $this->answeredAt = hrtime(true);
        register_shutdown_function($this->onShutdown(...));
        $this->send('{"type":"ready"}');
    }

    /** Waits for the request to initialise. False when the host has closed its end. */
    public function awaitInit(): bool
    {
        $request = $this->receive();
        if ($request === null) {
            return false;
        }
        $this->pending = 'init';
        $this->setEnvironment($request['env']);
        $this->name = $request['main'];
        $this->isZip = $request['binary'];
        return true;
    }

    /** Whether a file of the code is left to load. */
    public function hasNextFile(): bool
    {
        $this->files ??= $this->isZip ? $this->filesOfZip() : ["$this->folder/" . self::ENTRY_FILE];
        return $this->files !== [];
    }

    public function nextFile(): string
    {
        return array_shift($this->files);
    }

    private function filesOfZip(): array
    {
        $entry = "$this->folder/" . self::ENTRY_FILE;
        if (!is_file($entry)) {
            throw new Refusal('Zipped actions must contain index.php at the root.');
        }
        chdir($this->folder);
        $autoload = "$this->folder/vendor/autoload.php";
        return is_file($autoload) ? [$autoload, $entry] : [$entry];
    }

    /** Answers the init request. Call it once all files are loaded. */
    public function finishInit(): void
    {
        if (!is_callable($this->name)) {
            throw new Refusal("Could not find function '$this->name'.");
        }
        $this->endLogs('init');
        $this->send('{"type":"init-ok"}');
    }

    /** Takes activations until the host closes the channel. */
    public function serve(): void
    {
        while (($request = $this->receive()) !== null) {
            if (($request['after'] ?? $this->validFrom) >= $this->validFrom) {
                $this->run($request);
            }
        }
    }

    public function refuseInit(Throwable $error): void
    {
        $text = match (true) {
            $error instanceof Refusal => $error->getMessage(),
            $error instanceof \ParseError => 'PHP syntax error in ' . basename($error->getFile())
                . ": {$error->getMessage()} on line {$error->getLine()}",
            default => $error::class . ': ' . $error->getMessage(),
        };
        $this->sayInitError($text, $error instanceof Refusal ? $text : (string) $error);
    }

    private function sayInitError(string $text, string $log): void
    {
        $this->logError($log);
        $this->endLogs('init');
        $this->send('{"type":"init-error","error":' . $this->quote($text) . '}');
    }

    private function run(array $request): void
    {
        $this->pending = $request['id'];
        $begunAt = $this->begin($request);
        try {
            $this->setEnvironment($request['env']);
            $result = ($this->name)($request['value']);
        } catch (Throwable $error) {
            $this->logError((string) $error);
            $this->refuse(self::FAILED . ' ' . $error::class . ': ' . $error->getMessage());
            return;
        }
        try {
            $json = $this->resultJson($result);
        } catch (Refusal $refusal) {
            $this->refuse($refusal->getMessage());
            return;
        }
        $this->answeredAt = hrtime(true);
        $this->answer($json, $this->answeredAt - $begunAt > self::PATIENCE_NANOSECONDS);
    }

    /** The latest time at which the host's clock for this run can have started. */
    private function begin(array $request): int
    {
        if ($request['early'] ?? false) {
            $this->send("{\"type\":\"begun\",\"id\":{$this->quote($this->pending)}}");
            return $this->answeredAt;
        }
        $waited = max(0, microtime(true) * 1000 - $request['sent']);
        return hrtime(true) - (int) ($waited * 1_000_000);
    }

    private function answer(string $json, bool $isLate): void
    {
        $this->answers++;
        if ($isLate) {
            $this->voidEarlyRuns();
        }
        $id = $this->pending;
        $this->endLogs($id);
        $late = $isLate ? ',"late":true' : '';
        $this->send("{\"type\":\"result\"$late,\"id\":{$this->quote($id)},\"ok\":true,\"value\":$json}");
    }

    /** Voids the runs that were sent early: the host discards the sandbox after such an answer. */
    private function refuse(string $error): void
    {
        $this->answers++;
        $this->voidEarlyRuns();
        $id = $this->pending;
        $this->endLogs($id);
        $this->send(
            "{\"type\":\"result\",\"late\":true,\"id\":{$this->quote($id)},\"ok\":false,\"error\":{$this->quote($error)}}",
        );
    }

    /**
     * Does nothing if the action allows concurrency: then no run is sent early, and the host expects each to be done.
     */
    private function voidEarlyRuns(): void
    {
        if (getenv('__OW_ALLOW_CONCURRENT') !== 'true') {
            $this->validFrom = $this->answers;
        }
    }

    private function resultJson(mixed $result): string
    {
        if (is_object($result) && method_exists($result, 'getArrayCopy')) {
            $result = $result->getArrayCopy();
        }
        if ($result === null || $result === []) {
            return '{}';
        }
        try {
            $json = json_encode(
                $result,
                JSON_THROW_ON_ERROR | JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE | JSON_PRESERVE_ZERO_FRACTION,
                self::MAX_DEPTH,
            );
        } catch (Throwable $error) {
            throw new Refusal("The action returned a value that can't be turned into JSON: {$error->getMessage()}");
        }
        if ($json === '{}' && $this->isLost($result)) {
            $type = get_debug_type($result);
            throw new Refusal(
                "The action returned a value that can't be turned into JSON: JSON can't represent the content of " .
                "an object of type $type. Return an array.",
            );
        }
        return $json[0] === '{' || $json[0] === '['
            ? $json
            : throw new Refusal('The action did not return a dictionary or array.');
    }

    /** Whether it has content, but none in public properties: a generator's values, private properties. */
    private function isLost(mixed $result): bool
    {
        return !$result instanceof \JsonSerializable
            && ($result instanceof \Traversable || $result instanceof \Closure || (array) $result !== []);
    }

    /** Finds something unanswered only after a fatal error, or when code calls `exit`. */
    private function onShutdown(): void
    {
        if ($this->pending === null) {
            return;
        }
        // The memory can still be full.
        ini_set('memory_limit', '-1');
        $error = error_get_last();
        $isFatal = $error !== null && ($error['type'] & self::FATAL) !== 0;
        $why = $isFatal ? $error['message'] : 'It has called exit.';
        if ($this->pending === 'init') {
            $this->sayInitError(self::FAILED . " $why", $why);
        } else {
            $this->refuse(self::FAILED . " $why");
        }
    }

    /** Sets values as OpenWhisk does: strings as they are, false values as empty, objects as JSON. */
    private function setEnvironment(array $env): void
    {
        foreach ($env as $name => $value) {
            if (!is_string($value)) {
                $value = $value ? json_encode($value) : '';
            }
            $_ENV[$name] = $value;
            putenv("$name=$value");
        }
    }

    private function logError(string $text): void
    {
        @file_put_contents('php://stderr', "$text\n");
    }

    private function endLogs(string $id): void
    {
        $this->pending = null;
        while (ob_get_level() > 0 && @ob_end_flush());
        foreach (['stdout', 'stderr'] as $stream) {
            @file_put_contents("php://$stream", self::SENTINEL . " $id\n");
        }
    }

    /** The text as a JSON string; what UTF-8 can't encode becomes a question mark. */
    private function quote(string $text): string
    {
        return json_encode($text, JSON_INVALID_UTF8_SUBSTITUTE | JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES);
    }

    private function receive(): ?array
    {
        $header = $this->read(self::HEADER_BYTES);
        if ($header === null) {
            return null;
        }
        return json_decode($this->read(unpack('N', $header)[1]), true, self::ANY_DEPTH);
    }

    private function read(int $count): ?string
    {
        $bytes = '';
        while (strlen($bytes) < $count) {
            $more = fread($this->channel, $count - strlen($bytes));
            if ($more === false || $more === '') {
                return null;
            }
            $bytes .= $more;
        }
        return $bytes;
    }

    private function send(string $json): void
    {
        $frame = pack('N', strlen($json)) . $json;
        while ($frame !== '') {
            $count = fwrite($this->channel, $frame);
            if ($count === false || $count === 0) {
                exit(1);
            }
            $frame = substr($frame, $count);
        }
    }
}

Runner::$only = new Runner($argv[1] ?? '/fn');
if (!Runner::$only->awaitInit()) {
    exit(0);
}
try {
    // The code expects its variables in the global scope, so it is loaded here.
    while (Runner::$only->hasNextFile()) {
        require Runner::$only->nextFile();
    }
    Runner::$only->finishInit();
} catch (Throwable $error) {
    Runner::$only->refuseInit($error);
}
Runner::$only->serve();
