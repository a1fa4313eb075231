package ward.runner;

import java.io.FileDescriptor;
import java.util.Map;
import sun.misc.Unsafe;

/**
 * Two things that Java has no public API for: a stream on an inherited descriptor, and a change of the environment.
 * The command-line option that opens packages would work too, but then the JVM starts without its archived modules,
 * which takes longer than loading the runner.
 */
final class Internals {
  private static final Unsafe UNSAFE = unsafe();

  private Internals() {}

  static FileDescriptor descriptor(int number) {
    try {
      var descriptor = new FileDescriptor();
      var field = FileDescriptor.class.getDeclaredField("fd");
      UNSAFE.putInt(descriptor, UNSAFE.objectFieldOffset(field), number);
      return descriptor;
    } catch (ReflectiveOperationException error) {
      throw new AssertionError(error);
    }
  }

  /** The map that `System.getenv` reads, writable. */
  @SuppressWarnings("unchecked")
  static Map<String, String> environment() {
    try {
      var view = System.getenv();
      return (Map<String, String>)
          UNSAFE.getObject(view, UNSAFE.objectFieldOffset(view.getClass().getDeclaredField("m")));
    } catch (ReflectiveOperationException error) {
      throw new AssertionError(error);
    }
  }

  private static Unsafe unsafe() {
    try {
      var field = Unsafe.class.getDeclaredField("theUnsafe");
      field.setAccessible(true);
      return (Unsafe) field.get(null);
    } catch (ReflectiveOperationException error) {
      throw new AssertionError(error);
    }
  }
}
