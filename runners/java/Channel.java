package ward.runner;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/** The channel to the host, on fd 3. A frame is a 4-byte big-endian length and that many bytes of UTF-8 JSON. */
final class Channel {
  private static final int FD = 3;
  private static final int HEADER_BYTES = 4;

  private final DataInputStream in;
  private final OutputStream out;

  Channel(InputStream in, OutputStream out) {
    this.in = new DataInputStream(new BufferedInputStream(in));
    this.out = out;
  }

  static Channel toHost() {
    // A socket can't be opened through /dev/fd.
    var descriptor = Internals.descriptor(FD);
    return new Channel(new FileInputStream(descriptor), new FileOutputStream(descriptor));
  }

  /** The next message, or null when the host has closed its end. */
  JsonObject receive() throws IOException {
    try {
      var body = new byte[in.readInt()];
      in.readFully(body);
      return JsonParser.parseString(new String(body, StandardCharsets.UTF_8)).getAsJsonObject();
    } catch (EOFException end) {
      return null;
    }
  }

  synchronized void send(String json) throws IOException {
    var body = json.getBytes(StandardCharsets.UTF_8);
    out.write(ByteBuffer.allocate(HEADER_BYTES + body.length).putInt(body.length).put(body).array());
  }
}
