package ward.runner;

import java.io.BufferedOutputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.regex.Pattern;

/** The log streams `System.out` and `System.err`. Each line is written as soon as it ends. */
final class Logs {
  private static final String RUNNER = Logs.class.getPackageName() + ".";
  /** Frames between the runner and a method that it calls by reflection. */
  private static final Pattern CALLER = Pattern.compile("java\\.lang\\.(invoke|reflect)\\.|jdk\\.internal\\.reflect\\.");
  private static final String SENTINEL = "XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX";

  private static final LogFile[] FILES = {new LogFile(FileDescriptor.out), new LogFile(FileDescriptor.err)};
  private static final PrintStream[] STREAMS = {streamOf(FILES[0]), streamOf(FILES[1])};

  private Logs() {}

  static void takeOver() {
    System.setOut(STREAMS[0]);
    System.setErr(STREAMS[1]);
  }

  /** Writes the stack trace to stderr, without the runner's frames. */
  static void describe(Throwable error) {
    var trace = error.getStackTrace();
    var end = 0;
    while (end < trace.length && !trace[end].getClassName().startsWith(RUNNER)) end++;
    while (end > 0 && CALLER.matcher(trace[end - 1].getClassName()).lookingAt()) end--;
    if (end > 0) error.setStackTrace(Arrays.copyOf(trace, end));
    error.printStackTrace(STREAMS[1]);
  }

  static void error(String text) {
    STREAMS[1].println(text);
  }

  /**
   * Marks the end of an activation on both streams, on a line of its own. An activation that wrote nothing needs no
   * mark: returns the field of the answer that says so.
   */
  static synchronized String end(String id) {
    System.out.flush();
    System.err.flush();
    for (var stream : STREAMS) stream.flush();
    if (!FILES[0].isTouched && !FILES[1].isTouched) return ",\"quiet\":true";
    for (var file : FILES) file.mark(SENTINEL + " " + id + "\n");
    return "";
  }

  private static PrintStream streamOf(LogFile file) {
    return new PrintStream(new BufferedOutputStream(file), true, StandardCharsets.UTF_8);
  }

  /** The raw end of a stream; knows whether it is in the middle of a line. */
  private static final class LogFile extends FileOutputStream {
    boolean isTouched;
    private boolean isMidLine;

    LogFile(FileDescriptor descriptor) {
      super(descriptor);
    }

    @Override
    public void write(byte[] bytes, int from, int count) throws IOException {
      super.write(bytes, from, count);
      if (count == 0) return;
      isTouched = true;
      isMidLine = bytes[from + count - 1] != '\n';
    }

    void mark(String line) {
      try {
        super.write(((isMidLine ? "\n" : "") + line).getBytes(StandardCharsets.UTF_8));
      } catch (IOException error) {
        // A log whose reader is gone must not fail the activation.
      }
      isMidLine = isTouched = false;
    }

    /** Closes the stream for user code only. */
    @Override
    public void close() {}
  }
}
