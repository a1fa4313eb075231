package ward.runner;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/**
 * Runs the runner with a sample action and no host, so that the JVM can list the classes that it loads. These are then
 * archived in the image. Takes the folder of the action's jar.
 */
final class Rehearsal {
  private static final String[] MESSAGES = {
    "{\"type\":\"init\",\"name\":\"sample\",\"main\":\"example.Sample\",\"binary\":true,\"env\":{\"__OW_NAMESPACE\":\"n\"}}",
    "{\"type\":\"run\",\"after\":0,\"sent\":0,\"id\":\"1\",\"value\":{\"name\":\"x\",\"n\":1.5},\"env\":{\"__OW_DEADLINE\":\"1\"}}",
    "{\"type\":\"run\",\"after\":0,\"sent\":0,\"id\":\"2\",\"value\":{\"list\":[1,null,true,{}]},\"env\":{}}",
  };

  private Rehearsal() {}

  public static void main(String[] arguments) throws IOException {
    Logs.takeOver();
    Channel.toHost();
    var channel = new Channel(new ByteArrayInputStream(frames()), OutputStream.nullOutputStream());
    new Runner(channel, Path.of(arguments[0])).serve();
  }

  private static byte[] frames() throws IOException {
    var bytes = new ByteArrayOutputStream();
    var out = new DataOutputStream(bytes);
    for (var message : MESSAGES) {
      var body = message.getBytes(StandardCharsets.UTF_8);
      out.writeInt(body.length);
      out.write(body);
    }
    return bytes.toByteArray();
  }
}
