package ward.runner;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import com.google.gson.internal.Streams;
import com.google.gson.stream.JsonWriter;
import java.io.IOException;
import java.io.StringWriter;
import java.lang.reflect.InvocationTargetException;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicReference;

/**
 * The program inside a Java sandbox. It loads one action's jar and runs its activations, one at a time, as OpenWhisk's
 * Java runtime does. It shares its process with user code, so the host trusts nothing that comes from here: the runner
 * guards against accidents, not attacks.
 *
 * <pre>ready > init > init-ok | init-error, then run > result, again and again</pre>
 *
 * The host may send the next runs early, as long as they need not wait. An answer says `late` when more than
 * PATIENCE_NANOS passed since its run was sent, or since the answer before it if the run was sent early. Runs that were
 * sent before the host can have seen a late answer are void: the host runs them elsewhere. The runner announces that it
 * begins an early run before it does. Code folder: the first argument (default /fn).
 */
final class Runner {
  private static final long PATIENCE_NANOS = 20_000_000;
  private static final String JAR = "action.jar";
  private static final String LOAD_FAILED = "An error has occurred (see logs for details): ";
  private static final String RUN_FAILED = "An error has occurred while invoking the action (see logs for details): ";

  private final Channel channel;
  private final Path folder;
  /** The activation without an answer yet: if the process ends, it still gets one. */
  private final AtomicReference<String> running = new AtomicReference<>();
  private Action action;
  private long answers;
  /** Time just before the last answer was sent. */
  private long answeredAt = System.nanoTime();
  /** Runs that were sent when the host had seen fewer answers are void. */
  private long validFrom;

  Runner(Channel channel, Path folder) {
    this.channel = channel;
    this.folder = folder;
  }

  public static void main(String[] arguments) throws IOException {
    Logs.takeOver();
    new Runner(Channel.toHost(), Path.of(arguments.length > 0 ? arguments[0] : "/fn")).serve();
    Runtime.getRuntime().halt(0);
  }

  /** Takes requests until the host closes the channel. */
  void serve() throws IOException {
    Runtime.getRuntime().addShutdownHook(new Thread(this::onExit));
    channel.send("{\"type\":\"ready\"}");
    for (var message = channel.receive(); message != null; message = channel.receive()) {
      if (message.get("type").getAsString().equals("init")) init(message);
      else if (!message.has("after") || message.get("after").getAsLong() >= validFrom) run(message);
    }
  }

  private void init(JsonObject request) throws IOException {
    try {
      setEnvironment(request.getAsJsonObject("env"));
      if (!request.get("binary").getAsBoolean()) throw new IOException("Java code must be a jar: there is no compiler");
      action = new Action(folder.resolve(JAR), request.get("main").getAsString());
    } catch (Exception | LinkageError error) {
      Logs.describe(error);
      channel.send("{\"type\":\"init-error\"" + Logs.end("init") + ",\"error\":" + quote(LOAD_FAILED + error) + "}");
      return;
    }
    channel.send("{\"type\":\"init-ok\"" + Logs.end("init") + "}");
  }

  private void run(JsonObject request) throws IOException {
    var id = request.get("id").getAsString();
    var begunAt = begin(id, request);
    running.set(id);
    JsonElement result;
    try {
      setEnvironment(request.getAsJsonObject("env"));
      result = action.run(request.get("value"));
      if (result == null) throw new NullPointerException("The action returned null");
    } catch (InvocationTargetException error) {
      Logs.describe(error.getCause());
      refuse(id, RUN_FAILED + error.getCause());
      return;
    } catch (Exception error) {
      Logs.describe(error);
      refuse(id, LOAD_FAILED + error);
      return;
    }
    String json;
    try {
      json = jsonOf(result);
    } catch (IllegalArgumentException | StackOverflowError | OutOfMemoryError error) {
      refuse(id, "The action returned a value that can't be turned into JSON: " + error.getMessage());
      return;
    }
    if (!result.isJsonObject() && !result.isJsonArray()) {
      refuse(id, "The action did not return a dictionary or array.");
      return;
    }
    if (!running.compareAndSet(id, null)) return;
    answers++;
    answeredAt = System.nanoTime();
    var isLate = answeredAt - begunAt > PATIENCE_NANOS;
    if (isLate) voidEarlyRuns();
    var late = isLate ? ",\"late\":true" : "";
    channel.send(resultOf(id, late) + ",\"ok\":true,\"value\":" + json + "}");
  }

  /** The latest time at which the host's clock for this run can have started. */
  private long begin(String id, JsonObject request) throws IOException {
    if (request.has("early")) {
      channel.send("{\"type\":\"begun\",\"id\":" + quote(id) + "}");
      return answeredAt;
    }
    var waitedMillis = Math.max(0, System.currentTimeMillis() - request.get("sent").getAsLong());
    return System.nanoTime() - waitedMillis * 1_000_000;
  }

  /** Voids the runs that were sent early: the host discards the sandbox after such an answer. */
  private void refuse(String id, String error) throws IOException {
    if (!running.compareAndSet(id, null)) return;
    answers++;
    voidEarlyRuns();
    channel.send(resultOf(id, ",\"late\":true") + ",\"ok\":false,\"error\":" + quote(error) + "}");
  }

  /** Does nothing if the action allows concurrency: then no run is sent early, and the host expects each to be done. */
  private void voidEarlyRuns() {
    if (!"true".equals(System.getenv("__OW_ALLOW_CONCURRENT"))) validFrom = answers;
  }

  private static String resultOf(String id, String late) {
    return "{\"type\":\"result\"" + Logs.end(id) + late + ",\"id\":" + quote(id);
  }

  /** Runs before an answer only if the action calls System.exit. */
  private void onExit() {
    var id = running.get();
    if (id == null) return;
    try {
      Logs.error("The action has called System.exit.");
      refuse(id, RUN_FAILED + "it has called System.exit");
    } catch (IOException closed) {
      // The process is ending anyway.
    }
  }

  /** Converts values as OpenWhisk does: strings as they are, false values to empty, objects to JSON. */
  private static void setEnvironment(JsonObject env) {
    var environment = Internals.environment();
    for (var entry : env.entrySet()) environment.put(entry.getKey(), textOf(entry.getValue()));
  }

  /** Unlike `toString`, refuses numbers that JSON does not have. */
  private static String jsonOf(JsonElement value) throws IOException {
    var text = new StringWriter();
    Streams.write(value, new JsonWriter(text));
    return text.toString();
  }

  private static String textOf(JsonElement value) {
    if (value.isJsonObject() || value.isJsonArray()) return value.toString();
    if (value.isJsonNull()) return "";
    var primitive = value.getAsJsonPrimitive();
    if (primitive.isBoolean()) return primitive.getAsBoolean() ? "true" : "";
    if (primitive.isNumber()) return primitive.getAsDouble() == 0 ? "" : primitive.getAsString();
    return primitive.getAsString();
  }

  private static String quote(String text) {
    return new JsonPrimitive(text).toString();
  }
}
